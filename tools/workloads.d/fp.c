/* The floating-point workload: n-body, matrix product, Mandelbrot set, and a mix of the library's functions,
 * in float and double.  Built twice, for the x87 and for SSE2; prints results, which are looked at by the
 * host. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#define BODIES 5
#define N 64

struct body {
    double x[3], v[3], mass;
};

static double nbody(int steps)
{
    static struct body b[BODIES] = {
        {{0, 0, 0}, {0, 0, 0}, 39.5},
        {{4.84, -1.16, -0.10}, {0.606, 2.81, -0.02}, 0.0377},
        {{8.34, 4.12, -0.40}, {-1.01, 1.82, 0.008}, 0.0113},
        {{12.89, -15.11, -0.22}, {1.08, 0.868, -0.010}, 0.0017},
        {{15.38, -25.92, 0.18}, {0.979, 0.594, -0.034}, 0.0020},
    };
    for (int s = 0; s < steps; s++) {
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
    return e;
}

static float matrix(int rounds)
{
    static float a[N][N], b[N][N], c[N][N];
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++) {
            a[i][j] = (float)(i + 1) / (float)(j + 1);
            b[i][j] = (float)(i - j) / N;
        }
    for (int r = 0; r < rounds; r++) {
        for (int i = 0; i < N; i++)
            for (int j = 0; j < N; j++) {
                float s = 0;
                for (int k = 0; k < N; k++)
                    s += a[i][k] * b[k][j];
                c[i][j] = s;
            }
        float top = 0;
        for (int i = 0; i < N; i++)
            for (int j = 0; j < N; j++)
                if (c[i][j] > top)
                    top = c[i][j];
        for (int i = 0; i < N; i++)
            for (int j = 0; j < N; j++)
                a[i][j] = c[i][j] / top + (float)(i == j);
    }
    float sum = 0;
    for (int i = 0; i < N; i++)
        sum += a[i][i];
    return sum;
}

static int mandelbrot(int size)
{
    int inside = 0;
    for (int py = 0; py < size; py++)
        for (int px = 0; px < size; px++) {
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
    return inside;
}

static double library(int rounds)
{
    double s = 0;
    for (int i = 1; i <= rounds; i++) {
        double x = i * 0.01;
        s += sin(x) * cos(x) + atan2(x, 2.0) + exp(-x) + log(x) + pow(x, 0.3) + floor(x) + fmod(x, 1.7);
        char text[32];
        snprintf(text, sizeof text, "%.9g", s);
        if (strchr(text, 'n'))
            break;
    }
    return s;
}

int main(void)
{
    printf("nbody %.6f\n", nbody(100000));
    printf("matrix %.4f\n", (double)matrix(120));
    printf("mandelbrot %d\n", mandelbrot(250));
    printf("library %.6f\n", library(8000));
    return 0;
}
