/* SPDX-License-Identifier: MIT */
/* report_svg: latency over 1 / (1 - percentile), the latter on a logarithmic axis, so that each further nine takes
 * the same room. The dashed line is what a closed loop would have shown of the same run. */
#include <math.h>

#include "percentiles.h"
#include "report.h"

enum { WIDTH = 960, HEIGHT = 540, LEFT = 70, RIGHT = 170, TOP = 50, BOTTOM = 50, GRID = 5, NINES_MAX = 7 };

struct plot {
    FILE *file;
    double nines; /* the axis ends at 1 - 10^-nines */
    double top_ms;
    unsigned n_lines;
};

/* A line ends at its maximum, which one value in so many has: fewer values, fewer nines. */
static double x_of(const struct plot *plot, const struct point *point)
{
    double nines = point->percent < 100 ? -log10(1 - point->percent / 100) : log10((double)point->n_values);
    return LEFT + (WIDTH - LEFT - RIGHT) * fmin(nines, plot->nines) / plot->nines;
}

static double y_of(const struct plot *plot, double value_ms)
{
    return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * value_ms / plot->top_ms;
}

/* The next of 1, 2, 5, 10, 20 ... that is not below. */
static double round_up(double value)
{
    double power = pow(10, floor(log10(fmax(value, 1e-3))));
    double digit = value / power;
    return power * (digit <= 1 ? 1 : digit <= 2 ? 2 : digit <= 5 ? 5 : 10);
}

static void print_text(FILE *file, const char *text)
{
    for (; *text != '\0'; text++)
        fprintf(file, *text == '<' ? "&lt;" : *text == '&' ? "&amp;" : "%c", *text);
}

static void draw_axes(const struct plot *plot)
{
    static const char *const labels[] = { "0", "90", "99", "99.9", "99.99", "99.999", "99.9999", "99.99999" };
    FILE *file = plot->file;
    for (int nines = 0; nines <= (int)plot->nines; nines++) {
        double x = LEFT + (WIDTH - LEFT - RIGHT) * nines / plot->nines;
        fprintf(file, "<path class='grid' d='M%.1f %dV%d'/><text x='%.1f' y='%d' text-anchor='middle'>%s</text>\n", x,
                TOP, HEIGHT - BOTTOM, x, HEIGHT - BOTTOM + 18, labels[nines]);
    }
    for (int i = 0; i <= GRID; i++) {
        double value_ms = plot->top_ms * i / GRID, y = y_of(plot, value_ms);
        fprintf(file, "<path class='grid' d='M%d %.1fH%d'/><text x='%d' y='%.1f' text-anchor='end'>%g</text>\n", LEFT,
                y, WIDTH - RIGHT, LEFT - 6, y + 4, value_ms);
    }
    fprintf(file, "<text x='%d' y='%d' text-anchor='middle'>percentile</text><text x='%d' y='%d'>latency, ms</text>\n",
            (LEFT + WIDTH - RIGHT) / 2, HEIGHT - 12, LEFT - 50, TOP - 12);
}

static void draw_line(struct plot *plot, const struct histogram *histogram, struct slice key, const char *style)
{
    static const char *const colours[] = {
        "#c0392b", "#2471a3", "#1e8449", "#b7950b", "#7d3c98", "#ca6f1e", "#148f77"
    };
    struct point points[POINTS_MAX];
    unsigned n = percentile_curve(histogram, points);
    const char *colour = colours[plot->n_lines % (sizeof(colours) / sizeof(colours[0]))];
    if (n == 0)
        return;
    fprintf(plot->file, "<polyline fill='none' stroke='%s' %s points='", colour, style);
    for (unsigned i = 0; i < n; i++)
        fprintf(plot->file, "%.1f,%.1f ", x_of(plot, &points[i]), y_of(plot, (double)points[i].value_ns / 1e6));
    int y = TOP + 20 * (int)plot->n_lines++;
    fprintf(plot->file, "'/>\n<path stroke='%s' %s d='M%d %dh24'/><text x='%d' y='%d'>%.*s</text>\n", colour, style,
            WIDTH - RIGHT + 16, y, WIDTH - RIGHT + 46, y + 4, (int)key.len, key.data);
}

void report_svg(FILE *file, const struct result *result, const struct settings *settings)
{
    const struct scenario *scenario = result->scenario;
    struct plot plot = { .file = file, .top_ms = round_up((double)result->total.max / 1e6) };
    plot.nines = fmin(NINES_MAX, fmax(1, ceil(log10((double)result->total.total + 1))));
    fprintf(file,
            "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 %d %d' font-family='sans-serif' "
            "font-size='12'>\n<style>.grid{stroke:#ddd}</style><rect width='%d' height='%d' fill='#fff'/>\n"
            "<text x='%d' y='22' font-size='15'>",
            WIDTH, HEIGHT, WIDTH, HEIGHT, LEFT);
    print_text(file, settings->title);
    if (scenario->rate > 0)
        fprintf(file, ": open loop, %g a second", scenario->rate);
    else
        fprintf(file, ": closed loop");
    fprintf(file, ", %u connections</text>\n", scenario->connections);
    draw_axes(&plot);
    draw_line(&plot, &result->total, SLICE("all"), "stroke-width='2.5'");
    for (unsigned i = 0; i < scenario->n_calls && scenario->n_calls > 1; i++)
        draw_line(&plot, &result->calls[i].latency, scenario->calls[i].key, "stroke-width='1.5'");
    draw_line(&plot, &result->service, SLICE("sent to answered"), "stroke-width='1.5' stroke-dasharray='4 3'");
    fprintf(file, "</svg>\n");
}
