#include "images.h"

#include "images_tier.h"

/* Bytes that a thread draws at a time, about. */
#define BLOCK_BYTES (256 * 1024)

struct loop {
  const struct tlw_images_job *job;
  const struct tlw_cpu_images_tier *tier;
  int64_t block; /* images */
};

static void draw_block(void *context, uint32_t worker, int64_t item) {
  (void)worker;
  const struct loop *loop = context;
  const int64_t begin = item * loop->block, left = loop->job->n - begin;
  loop->tier->draw(loop->job, begin, begin + (left < loop->block ? left : loop->block));
}

void tlw_cpu_images(const struct tlw_cpu_tier *tier, struct tlw_team *team, const struct tlw_images_job *job) {
  const int64_t fit = (int64_t)(BLOCK_BYTES / tlk_image_size(job->image));
  struct loop loop = {job, tier->images, fit > 0 ? fit : 1};
  tlw_team_run(team, tlw_team_threads(team), (job->n + loop.block - 1) / loop.block, draw_block, &loop);
}
