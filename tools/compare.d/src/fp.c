/* Floating-point workloads, built once for the x87 and once for SSE2; results are rounded so far that both,
 * and other machines, print the same. */
#include <math.h>

#include "workload.h"

static void run_matmul(unsigned rounds)
{
    enum { N = 48 };
    static double a[N][N], b[N][N], c[N][N];
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++) {
            a[i][j] = (double)(i + 1) / (j + 1);
            b[i][j] = (double)(i - j) / N;
        }
    for (unsigned r = 0; r < rounds; r++) {
        for (int i = 0; i < N; i++)
            for (int j = 0; j < N; j++) {
                double s = 0;
                for (int k = 0; k < N; k++)
                    s += a[i][k] * b[k][j];
                c[i][j] = s;
            }
        double top = 0;
        for (int i = 0; i < N; i++)
            for (int j = 0; j < N; j++)
                if (c[i][j] > top)
                    top = c[i][j];
        for (int i = 0; i < N; i++)
            for (int j = 0; j < N; j++)
                a[i][j] = c[i][j] / top + (i == j);
    }
    double sum = 0;
    for (int i = 0; i < N; i++)
        sum += a[i][i];
    printf("matmul %.6f\n", sum);
}

struct body {
    double x[3], v[3], mass;
};

static void run_nbody(unsigned steps)
{
    enum { BODIES = 5 };
    static struct body b[BODIES] = {
        {{0, 0, 0}, {0, 0, 0}, 39.5},
        {{4.84, -1.16, -0.10}, {0.606, 2.81, -0.02}, 0.0377},
        {{8.34, 4.12, -0.40}, {-1.01, 1.82, 0.008}, 0.0113},
        {{12.89, -15.11, -0.22}, {1.08, 0.868, -0.010}, 0.0017},
        {{15.38, -25.92, 0.18}, {0.979, 0.594, -0.034}, 0.0020},
    };
    for (unsigned s = 0; s < steps; s++) {
        for (int i = 0; i < BODIES; i++)
            for (int j = i + 1; j < BODIES; j++) {
                double d[3], r2 = 0;
                for (int k = 0; k < 3; k++) {
                    d[k] = b[i].x[k] - b[j].x[k];
                    r2 += d[k] * d[k];
                }
                double m = 0.001 / (r2 * sqrt(r2));
                for (int k = 0; k < 3; k++) {
                    b[i].v[k] -= d[k] * b[j].mass * m;
                    b[j].v[k] += d[k] * b[i].mass * m;
                }
            }
        for (int i = 0; i < BODIES; i++)
            for (int k = 0; k < 3; k++)
                b[i].x[k] += 0.001 * b[i].v[k];
    }
    double e = 0;
    for (int i = 0; i < BODIES; i++)
        e += 0.5 * b[i].mass * (b[i].v[0] * b[i].v[0] + b[i].v[1] * b[i].v[1] + b[i].v[2] * b[i].v[2]);
    printf("nbody %.6f\n", e);
}

/* A point at the set's edge may fall on either side with another rounding: counted in thousandths of all. */
static void run_mandel(unsigned size)
{
    unsigned inside = 0;
    for (unsigned py = 0; py < size; py++)
        for (unsigned px = 0; px < size; px++) {
            double cx = 3.0 * px / size - 2.0, cy = 2.0 * py / size - 1.0, x = 0, y = 0;
            int n = 0;
            while (n < 100 && x * x + y * y <= 4.0) {
                double t = x * x - y * y + cx;
                y = 2 * x * y + cy;
                x = t;
                n++;
            }
            inside += n == 100;
        }
    printf("mandel %.3f\n", (double)inside / (size * size));
}

static void run_trig(unsigned rounds)
{
    double s = 0;
    for (unsigned i = 1; i <= rounds; i++) {
        double x = i * 0.01;
        s += sin(x) * cos(x) + atan2(x, 2.0) + exp(-x / 64) + log(x) + pow(x, 0.3) + tan(x / 4096);
    }
    printf("trig %.5f\n", s);
}

int main(int argc, char **argv)
{
    static const struct workload list[] = {
        {"matmul", run_matmul}, {"nbody", run_nbody}, {"mandel", run_mandel}, {"trig", run_trig}, {0},
    };
    return workload_main(argc, argv, list);
}
