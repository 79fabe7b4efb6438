/* Text of a chart on the CPU: what its sheet has, the labels of its axis and those of its times. */
#ifndef TALLOW_CPU_CHART_TEXT_H
#define TALLOW_CPU_CHART_TEXT_H

#include "chart.h"

/* Finds the rows of a chart's text, once its axis and notes are there. */
void tlw_cpu_place_text(const struct tlw_render_job *job, const struct tlw_cpu_scratch *scratch);

/* Sets the bits of the blocks that text or a box may be in. */
void tlw_cpu_touch_text(const struct tlw_render_job *job, const struct tlw_cpu_scratch *source,
                        const struct tlw_cpu_blocks *blocks);

/* Draws the text into rows of the image. */
void tlw_cpu_draw_text(const struct tlw_render_job *job, const struct tlw_cpu_scratch *source,
                       const struct tlw_cpu_canvas *canvas);

#endif
