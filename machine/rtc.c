/* MC146818 real-time clock with its CMOS memory.
 *
 * The time of day is a base (seconds since 1970 at a moment of virtual time); the flags of register C
 * are found out when somebody looks, and a timer runs only while an interrupt is enabled
 * that has not been raised yet. */
#include <stdlib.h>

#include "clock.h"
#include "pc.h"

#define NS_PER_S 1000000000ll
#define OSC_HZ 32768ll
#define UIP_NS 244000ll /* UIP rises this long before an update */
#define DAY 86400ll

enum {
    REG_SEC, REG_SEC_ALARM, REG_MIN, REG_MIN_ALARM, REG_HOUR, REG_HOUR_ALARM, REG_DOW, REG_DOM, REG_MONTH,
    REG_YEAR,
    REG_A, REG_B, REG_C, REG_D,
    REG_CENTURY = 0x32
};
enum { A_UIP = 0x80, B_SET = 0x80, B_PIE = 0x40, B_AIE = 0x20, B_UIE = 0x10, B_BINARY = 4, B_24H = 2 };
enum { C_IRQF = 0x80, C_PF = 0x40, C_AF = 0x20, C_UF = 0x10 };

struct rtc {
    struct machine *machine;
    struct irq_line irq;
    struct vtimer timer;
    uint8_t index;
    uint8_t cmos[128];   /* time registers are current only while stopped */
    int64_t base_seconds, base_ns;
    int64_t seen_second; /* updates and alarms are accounted up to this second */
    int64_t seen_tick;   /* periodic ticks likewise, in units of the period */
};

/* ---- calendar ---- */

struct date {
    int sec, min, hour, dow, day, month, year;
};

/* Gregorian date of a day counted from 1970-01-01; months are counted from March so that
 * the leap day is the last of a year. */
static void date_from_seconds(int64_t t, struct date *d)
{
    int64_t days = t / DAY, rest = t % DAY;
    if (rest < 0) {
        rest += DAY;
        days--;
    }
    d->sec = (int)(rest % 60);
    d->min = (int)(rest / 60 % 60);
    d->hour = (int)(rest / 3600);
    d->dow = (int)(((days + 4) % 7 + 7) % 7) + 1;
    int64_t n = days + 719468; /* from 0000-03-01 */
    int64_t era = (n >= 0 ? n : n - 146096) / 146097;
    int64_t in_era = n - era * 146097;
    int64_t year = (in_era - in_era / 1460 + in_era / 36524 - in_era / 146096) / 365;
    int64_t in_year = in_era - (365 * year + year / 4 - year / 100);
    int64_t march_month = (5 * in_year + 2) / 153;
    d->day = (int)(in_year - (153 * march_month + 2) / 5) + 1;
    d->month = (int)(march_month < 10 ? march_month + 3 : march_month - 9);
    d->year = (int)(year + era * 400 + (d->month <= 2));
}

static int64_t date_to_seconds(const struct date *d)
{
    int64_t year = d->year - (d->month <= 2);
    int64_t era = (year >= 0 ? year : year - 399) / 400;
    int64_t in_era = year - era * 400;
    int64_t march_month = d->month > 2 ? d->month - 3 : d->month + 9;
    int64_t in_year = (153 * march_month + 2) / 5 + d->day - 1;
    int64_t days = era * 146097 + in_era * 365 + in_era / 4 - in_era / 100 + in_year - 719468;
    return days * DAY + d->hour * 3600 + d->min * 60 + d->sec;
}

/* ---- register coding ---- */

static uint8_t encode(const struct rtc *r, int v)
{
    return (uint8_t)(r->cmos[REG_B] & B_BINARY ? v : (v / 10 % 10) << 4 | v % 10);
}

static int decode(const struct rtc *r, uint8_t v)
{
    return r->cmos[REG_B] & B_BINARY ? v : (v >> 4) * 10 + (v & 15);
}

static uint8_t encode_hour(const struct rtc *r, int hour)
{
    if (r->cmos[REG_B] & B_24H)
        return encode(r, hour);
    return (uint8_t)(encode(r, hour % 12 ? hour % 12 : 12) | (hour >= 12 ? 0x80 : 0));
}

static int decode_hour(const struct rtc *r, uint8_t v)
{
    if (r->cmos[REG_B] & B_24H)
        return decode(r, v);
    return decode(r, v & 0x7f) % 12 + (v & 0x80 ? 12 : 0);
}

static int clamp(int v, int low, int high)
{
    return v < low ? low : v > high ? high : v;
}

/* ---- time ---- */

static bool stopped(const struct rtc *r)
{
    return (r->cmos[REG_B] & B_SET) || (r->cmos[REG_A] & 0x60) == 0x60;
}

static int64_t seconds_at(const struct rtc *r, int64_t ns)
{
    int64_t d = ns - r->base_ns;
    return r->base_seconds + (d >= 0 ? d / NS_PER_S : -((NS_PER_S - 1 - d) / NS_PER_S));
}

/* Virtual time at which a second begins. */
static int64_t ns_at(const struct rtc *r, int64_t second)
{
    return r->base_ns + (second - r->base_seconds) * NS_PER_S;
}

/* Periodic rate in ticks of the oscillator, 0: off. */
static int64_t period(const struct rtc *r)
{
    unsigned rate = r->cmos[REG_A] & 15;
    if (!rate || (r->cmos[REG_A] & 0x60) == 0x60)
        return 0;
    return 1ll << ((rate <= 2 ? rate + 7 : rate) - 1);
}

static int64_t osc_ticks(int64_t ns)
{
    return ns / NS_PER_S * OSC_HZ + ns % NS_PER_S * OSC_HZ / NS_PER_S;
}

static int64_t ns_of_osc(int64_t tick)
{
    return tick / OSC_HZ * NS_PER_S + (tick % OSC_HZ * NS_PER_S + OSC_HZ - 1) / OSC_HZ;
}

static void store_time(struct rtc *r, int64_t seconds)
{
    struct date d;
    date_from_seconds(seconds, &d);
    r->cmos[REG_SEC] = encode(r, d.sec);
    r->cmos[REG_MIN] = encode(r, d.min);
    r->cmos[REG_HOUR] = encode_hour(r, d.hour);
    r->cmos[REG_DOW] = encode(r, d.dow);
    r->cmos[REG_DOM] = encode(r, d.day);
    r->cmos[REG_MONTH] = encode(r, d.month);
    r->cmos[REG_YEAR] = encode(r, d.year % 100);
    r->cmos[REG_CENTURY] = (uint8_t)(d.year / 1000 % 10 << 4 | d.year / 100 % 10);
}

/* The time that the registers say.  Nonsense in them is taken to the nearest date. */
static int64_t load_time(const struct rtc *r)
{
    struct date d;
    int century = (r->cmos[REG_CENTURY] >> 4) * 10 + (r->cmos[REG_CENTURY] & 15);
    d.sec = clamp(decode(r, r->cmos[REG_SEC]), 0, 59);
    d.min = clamp(decode(r, r->cmos[REG_MIN]), 0, 59);
    d.hour = clamp(decode_hour(r, r->cmos[REG_HOUR]), 0, 23);
    d.day = clamp(decode(r, r->cmos[REG_DOM]), 1, 31);
    d.month = clamp(decode(r, r->cmos[REG_MONTH]), 1, 12);
    d.year = century * 100 + clamp(decode(r, r->cmos[REG_YEAR]), 0, 99);
    return date_to_seconds(&d);
}

/* ---- flags and the interrupt ---- */

static bool alarm_field(uint8_t alarm, uint8_t now)
{
    return alarm >= 0xc0 || alarm == now;
}

static bool alarm_at(const struct rtc *r, int64_t second)
{
    struct date d;
    date_from_seconds(second, &d);
    return alarm_field(r->cmos[REG_SEC_ALARM], encode(r, d.sec))
        && alarm_field(r->cmos[REG_MIN_ALARM], encode(r, d.min))
        && alarm_field(r->cmos[REG_HOUR_ALARM], encode_hour(r, d.hour));
}

/* Set the flags for what happened since the last look. */
static void catch_up(struct rtc *r, int64_t now)
{
    int64_t p = period(r);
    if (p) {
        int64_t tick = osc_ticks(now) / p;
        if (tick > r->seen_tick)
            r->cmos[REG_C] |= C_PF;
        r->seen_tick = tick;
    }
    if (stopped(r))
        return;
    int64_t second = seconds_at(r, now);
    if (second > r->seen_second) {
        r->cmos[REG_C] |= C_UF;
        if (second - r->seen_second > DAY)
            r->seen_second = second - DAY; /* every alarm is in one day */
        while (!(r->cmos[REG_C] & C_AF) && r->seen_second < second) {
            if (alarm_at(r, ++r->seen_second))
                r->cmos[REG_C] |= C_AF;
        }
    }
    r->seen_second = second;
}

static void update_irq(struct rtc *r, int64_t now)
{
    uint8_t enabled = r->cmos[REG_B] & (B_PIE | B_AIE | B_UIE);
    catch_up(r, now);
    if (r->cmos[REG_C] & enabled) {
        /* The line stays until register C is read. */
        r->cmos[REG_C] |= C_IRQF;
        irq_set(&r->irq, 1);
        timer_del(&r->timer);
        return;
    }
    r->cmos[REG_C] &= (uint8_t)~C_IRQF;
    irq_set(&r->irq, 0);
    int64_t next = -1, p = period(r);
    if ((enabled & B_PIE) && p)
        next = ns_of_osc((r->seen_tick + 1) * p);
    if ((enabled & (B_AIE | B_UIE)) && !stopped(r)) {
        int64_t second = ns_at(r, r->seen_second + 1);
        if (next < 0 || second < next)
            next = second;
    }
    if (next < 0)
        timer_del(&r->timer);
    else
        timer_mod(&r->timer, next > now ? next : now + 1);
}

static void rtc_timer(void *opaque)
{
    update_irq(opaque, clock_now());
}

/* ---- ports 70 and 71 ---- */

/* Keep the part of a second that has passed: only the seconds' register may be written late. */
static void set_base(struct rtc *r, int64_t seconds, int64_t ns)
{
    r->base_seconds = seconds;
    r->base_ns = ns;
    r->seen_second = seconds_at(r, clock_now());
}

static void write_register(struct rtc *r, unsigned index, uint8_t v)
{
    int64_t now = clock_now();
    catch_up(r, now);
    bool was_stopped = stopped(r);
    switch (index) {
    case REG_C:
    case REG_D:
        return;
    case REG_A:
    case REG_B: {
        bool was_reset = (r->cmos[REG_A] & 0x60) == 0x60;
        if (!was_stopped)
            store_time(r, seconds_at(r, now));
        if (index == REG_B && (v & B_SET))
            v &= (uint8_t)~B_UIE; /* data sheet: SET clears UIE */
        r->cmos[index] = index == REG_A ? v & 0x7f : v;
        if (index == REG_A && period(r))
            r->seen_tick = osc_ticks(now) / period(r);
        if (was_stopped && !stopped(r)) {
            /* Out of divider reset the first update comes after half a second. */
            set_base(r, load_time(r), was_reset ? now - NS_PER_S / 2 : now);
        } else if (!was_stopped && index == REG_B) {
            store_time(r, seconds_at(r, now)); /* the coding may have changed */
        }
        break;
    }
    case REG_SEC: case REG_MIN: case REG_HOUR: case REG_DOW: case REG_DOM: case REG_MONTH: case REG_YEAR:
    case REG_CENTURY:
        if (was_stopped) {
            r->cmos[index] = v;
            return;
        }
        store_time(r, seconds_at(r, now));
        r->cmos[index] = v;
        set_base(r, load_time(r), ns_at(r, seconds_at(r, now)));
        break;
    default:
        r->cmos[index] = v;
        break;
    }
    update_irq(r, now);
}

static uint8_t read_register(struct rtc *r, unsigned index)
{
    int64_t now = clock_now();
    uint8_t v;
    switch (index) {
    case REG_SEC: case REG_MIN: case REG_HOUR: case REG_DOW: case REG_DOM: case REG_MONTH: case REG_YEAR:
    case REG_CENTURY:
        if (!stopped(r))
            store_time(r, seconds_at(r, now));
        return r->cmos[index];
    case REG_A:
        v = r->cmos[REG_A];
        if (!stopped(r) && ns_at(r, seconds_at(r, now) + 1) - now <= UIP_NS)
            v |= A_UIP;
        return v;
    case REG_C:
        update_irq(r, now);
        v = r->cmos[REG_C];
        r->cmos[REG_C] = 0;
        update_irq(r, now);
        return v;
    case REG_D:
        return 0x80; /* the battery is good */
    default:
        return r->cmos[index];
    }
}

static void rtc_write(void *opaque, uint16_t port, uint32_t value, unsigned size)
{
    struct rtc *r = opaque;
    (void)size;
    if (port & 1)
        write_register(r, r->index, (uint8_t)value);
    else
        r->index = value & 0x7f; /* bit 7 masks NMI, of which this machine has no source */
}

static uint32_t rtc_read(void *opaque, uint16_t port, unsigned size)
{
    struct rtc *r = opaque;
    (void)size;
    return port & 1 ? read_register(r, r->index) : 0xff;
}

static const struct ioport_ops rtc_ops = { rtc_read, rtc_write, 1 };

void rtc_set_cmos(struct rtc *r, unsigned index, uint8_t value)
{
    r->cmos[index] = value;
}

uint8_t rtc_get_cmos(const struct rtc *r, unsigned index)
{
    return r->cmos[index];
}

/* RESET clears the interrupt enables and flags; the clock runs on. */
void rtc_reset(struct rtc *r)
{
    r->index = 0;
    r->cmos[REG_B] &= (uint8_t)~(B_PIE | B_AIE | B_UIE | 0x08);
    r->cmos[REG_C] = 0;
    update_irq(r, clock_now());
}

struct rtc *rtc_new(struct machine *m, struct irq_line irq8)
{
    struct rtc *r = calloc(1, sizeof(*r));
    if (!r)
        return NULL;
    r->machine = m;
    r->irq = irq8;
    timer_init(&r->timer, rtc_timer, r);
    r->cmos[REG_A] = 0x26; /* 32768 Hz, 1024 interrupts a second */
    r->cmos[REG_B] = B_24H;
    r->base_ns = clock_now();
    r->base_seconds = r->seen_second = clock_rtc_seconds();
    r->seen_tick = osc_ticks(r->base_ns) / period(r);
    ioport_register(m, 0x70, 2, &rtc_ops, r, "rtc");
    return r;
}

void rtc_free(struct rtc *r)
{
    if (r)
        timer_del(&r->timer);
    free(r);
}
