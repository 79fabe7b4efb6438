// A program of a user of the installed library, in C++: draws candles on the CPU and counts their pixels.
#include <algorithm>
#include <iostream>
#include <tallow/tallow.h>
#include <vector>

int main() {
  const int side = 64;
  const std::vector<double> open{1, 2, 3}, high{3, 4, 4}, low{0, 1, 1}, close{2, 3, 2};
  std::vector<uint8_t> pixels(side * side);
  tlw_candles candles;
  tlw_candles_init(&candles);
  candles.open = open.data();
  candles.high = high.data();
  candles.low = low.data();
  candles.close = close.data();
  candles.n_rows = static_cast<int64_t>(open.size());
  tlw_engine_options engine_options;
  tlw_engine_options_init(&engine_options);
  engine_options.backend = TLW_BACKEND_CPU;
  tlw_chart_options options;
  tlw_chart_options_init(&options);
  options.width = options.height = side;
  options.volume = 0;
  const tlw_raster raster = {pixels.data(), pixels.size(), side, pixels.size()};

  tlw_error error;
  tlw_engine *engine;
  tlw_status status = tlw_engine_open(&engine, &engine_options, &error);
  if (status == TLW_OK) status = tlw_chart_render(engine, &candles, &options, &raster, &error);
  tlw_engine_close(&engine);
  if (status != TLW_OK) {
    std::cerr << tlw_status_name(status) << ": " << error.message << '\n';
    return 1;
  }
  const auto up = std::count(pixels.begin(), pixels.end(), TLW_INK_UP);
  std::cout << "consumed " << tlw_version() << '\n';
  return up > 0 ? 0 : 1;
}
