/* Mixes of work after the manner of two known benchmarks, written anew, so the figures are nobody's official
 * score: "coremark" has a linked list, a matrix of 16-bit integers, a state machine over text and a CRC;
 * "dhry" has records, strings and short procedures that call each other. */
#include <stdbool.h>

#include "workload.h"

#define NOINLINE __attribute__((noinline, noclone))

static NOINLINE uint16_t crc16(uint16_t crc, uint16_t value)
{
    for (int i = 0; i < 16; i++) {
        bool carry = (crc ^ value) & 1;
        crc >>= 1;
        value >>= 1;
        if (carry)
            crc ^= 0xa001;
    }
    return crc;
}

struct item {
    struct item *next;
    int16_t value, index;
};

static NOINLINE struct item *list_reverse(struct item *list)
{
    struct item *done = NULL;
    while (list) {
        struct item *next = list->next;
        list->next = done;
        done = list;
        list = next;
    }
    return done;
}

static NOINLINE struct item *list_find(struct item *list, int16_t value)
{
    while (list && list->value != value)
        list = list->next;
    return list;
}

static int by_value(const struct item *a, const struct item *b)
{
    return a->value - b->value;
}

static int by_index(const struct item *a, const struct item *b)
{
    return a->index - b->index;
}

typedef int list_order(const struct item *, const struct item *);

static NOINLINE struct item *list_sort(struct item *list, list_order *order)
{
    if (!list || !list->next)
        return list;
    struct item *slow = list, *fast = list->next, *half;
    while (fast && fast->next) {
        slow = slow->next;
        fast = fast->next->next;
    }
    half = slow->next;
    slow->next = NULL;
    list = list_sort(list, order);
    half = list_sort(half, order);
    struct item *first = NULL, **end = &first;
    while (list && half) {
        struct item **from = order(list, half) <= 0 ? &list : &half;
        *end = *from;
        end = &(*from)->next;
        *from = *end;
    }
    *end = list ? list : half;
    return first;
}

static uint16_t mark_list(uint16_t seed)
{
    enum { N = 64 };
    static struct item items[N];
    for (int i = 0; i < N; i++) {
        items[i].next = i + 1 < N ? &items[i + 1] : NULL;
        items[i].index = (int16_t)i;
        items[i].value = (int16_t)((seed * (i + 3) ^ i << 4) & 0x7f);
    }
    struct item *list = items;
    uint16_t crc = 0;
    for (int16_t v = 0; v < 24; v++) {
        const struct item *found = list_find(list, v);
        crc = crc16(crc, found ? (uint16_t)found->index : 0xffff);
        list = list_reverse(list);
    }
    list = list_sort(list, by_value);
    for (const struct item *i = list; i; i = i->next)
        crc = crc16(crc, (uint16_t)i->value);
    list = list_sort(list, by_index);
    return crc16(crc, (uint16_t)list->value);
}

static uint16_t mark_matrix(uint16_t seed)
{
    enum { N = 12 };
    static int16_t a[N][N], b[N][N];
    static int32_t c[N][N];
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++) {
            a[i][j] = (int16_t)((seed + i * N + j) & 0xff);
            b[i][j] = (int16_t)((seed ^ (i + j * N)) & 0xff);
        }
    uint16_t crc = 0;
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++) {
            int32_t s = 0;
            for (int k = 0; k < N; k++)
                s += a[i][k] * b[k][j];
            c[i][j] = s;
        }
    int32_t sum = 0;
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++) {
            int32_t bits = (c[i][j] >> 2 & 15) * (c[i][j] >> 5 & 127);
            sum += bits > sum ? 1 : bits & 7;
        }
    crc = crc16(crc, (uint16_t)sum);
    return crc16(crc, (uint16_t)c[seed % N][3]);
}

enum state { START, INTEGER, FRACTION, EXPONENT, SIGN, DIGITS, WRONG, STATES };

static NOINLINE enum state scan(const char **text, unsigned *seen)
{
    enum state s = START;
    for (; **text && s != WRONG; ++*text) {
        char c = **text;
        bool digit = c >= '0' && c <= '9';
        if (c == ',') {
            ++*text;
            break;
        }
        switch (s) {
        case START: s = digit || c == '-' || c == '+' ? INTEGER : c == '.' ? FRACTION : WRONG; break;
        case INTEGER: s = digit ? INTEGER : c == '.' ? FRACTION : WRONG; break;
        case FRACTION: s = digit ? FRACTION : c == 'e' || c == 'E' ? EXPONENT : WRONG; break;
        case EXPONENT: s = c == '-' || c == '+' ? SIGN : WRONG; break;
        case SIGN: s = digit ? DIGITS : WRONG; break;
        case DIGITS: s = digit ? DIGITS : WRONG; break;
        default: break;
        }
        seen[s]++;
    }
    if (s == WRONG)
        while (**text && *(*text)++ != ',') {
        }
    return s;
}

static uint16_t mark_state(uint16_t seed)
{
    static char text[] = "5012,-.1e+77,+0.644e-3,T0.3e-1F,12345,-874.1,8e9,"
                         "+1.25,.75e+12,1x,-3.,0.0e-0,9999.5e-";
    unsigned ends[STATES] = {0}, seen[STATES] = {0};
    unsigned at = seed % (sizeof text - 1);
    char kept = text[at];
    if (kept != ',')
        text[at] = '7';
    for (const char *p = text; *p;)
        ends[scan(&p, seen)]++;
    text[at] = kept;
    uint16_t crc = seed;
    for (int i = 0; i < STATES; i++)
        crc = crc16(crc16(crc, (uint16_t)ends[i]), (uint16_t)seen[i]);
    return crc;
}

static void run_coremark(unsigned rounds)
{
    uint16_t crc = 0;
    for (unsigned r = 0; r < rounds; r++) {
        crc = crc16(crc, mark_list((uint16_t)(crc + r)));
        for (int i = 0; i < 2; i++)
            crc = crc16(crc, mark_matrix(crc));
        for (int i = 0; i < 8; i++)
            crc = crc16(crc, mark_state(crc));
    }
    result("coremark", crc);
}

enum color { RED, GREEN, BLUE, WHITE };

struct record {
    struct record *link;
    enum color color;
    int number;
    char name[31];
};

static int global_number;
static bool global_flag;
static char global_char;
static int row[50], grid[50][50];

static NOINLINE enum color compare_chars(char a, char b)
{
    if (a == b) {
        global_char = a;
        return RED;
    }
    return GREEN;
}

static NOINLINE bool compare_names(const char *a, const char *b)
{
    int i = 2;
    while (i <= 2)
        if (compare_chars(a[i], b[i + 1]) == RED)
            i++;
        else
            i += 3;
    if (strcmp(a, b) > 0) {
        global_number = i + 7;
        return true;
    }
    return false;
}

static NOINLINE bool is_blue(enum color c)
{
    return c == BLUE;
}

static NOINLINE void next_color(enum color c, enum color *out)
{
    *out = c;
    if (!is_blue(c))
        *out = WHITE;
    switch (c) {
    case RED: *out = RED; break;
    case GREEN: *out = global_number > 100 ? RED : WHITE; break;
    case BLUE: *out = GREEN; break;
    case WHITE: *out = BLUE; break;
    }
}

static NOINLINE void add_numbers(int a, int b, int *out)
{
    *out = a + 2 + b;
}

static NOINLINE void fill_arrays(int *one, int two[50][50], int at, int value)
{
    int i = at + 5;
    one[i] = value;
    one[i + 1] = one[i];
    one[i + 20] = i;
    for (int j = i; j <= i + 1; j++)
        two[i][j] = i;
    two[i][i - 1]++;
    two[i + 10][i] = one[i];
    global_number = 5;
}

static NOINLINE void change_record(struct record *r)
{
    struct record *next = r->link;
    *next = *r;
    next->number = 5;
    next->link = r->link;
    if (next->color == RED) {
        next->number = 6;
        next_color(r->color, &next->color);
        add_numbers(next->number, 10, &next->number);
    } else {
        *r = *next;
    }
}

static void run_dhry(unsigned rounds)
{
    static struct record one, two;
    static char names[2][31];
    uint32_t sum = 0;
    one.link = &two;
    two.link = &two;
    strcpy(one.name, "A RECORD WITH A NAME OF SOME LE");
    one.name[30] = 0;
    strcpy(names[0], "A STRING FOR THIS, FIRST PLACE");
    for (unsigned r = 1; r <= rounds; r++) {
        int a = 2, b = 3, c = 0;
        enum color color = GREEN;
        global_flag = !compare_names(names[0], strcpy(names[1], "A STRING FOR THIS, OTHER PLACE"));
        while (a < b) {
            c = 5 * a - b;
            add_numbers(a, b, &c);
            a++;
        }
        fill_arrays(row, grid, a, c);
        one.color = r % 3 == 0 ? GREEN : RED;
        change_record(&one);
        for (char ch = 'A'; ch <= 'B'; ch++)
            if (color == compare_chars(ch, 'C')) {
                next_color(RED, &color);
                strcpy(names[1], "A STRING FOR THIS, THIRD PLACE");
                b = (int)r;
                global_number = (int)r;
            }
        b = b * a;
        a = b / (c + 1);
        b = 7 * (b - c) - a;
        sum = mix(sum, (uint32_t)(a + b + two.number + (int)two.color + global_flag + global_char));
    }
    result("dhry", mix(sum, (uint32_t)(grid[8][7] + row[28])));
}

int main(int argc, char **argv)
{
    static const struct workload list[] = {{"coremark", run_coremark}, {"dhry", run_dhry}, {0}};
    return workload_main(argc, argv, list);
}
