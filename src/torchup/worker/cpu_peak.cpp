// What one core can do at most: independent fused multiply-adds on full vectors, in windows of some milliseconds.

#include <chrono>

#if defined(__AVX512F__)
constexpr int L = 16;
#else
constexpr int L = 8;
#endif
typedef float V __attribute__((vector_size(L * 4)));

namespace {
constexpr int CHAINS = 12;  // latency 4 x 2 units needs 8; 12 fit into the registers of every target
constexpr long ROUNDS = 200000;
volatile float sink;

double window(float seed) {
    V a[CHAINS], b = V{} + 1.0000001f, c = V{} + 1e-7f;
    for (int i = 0; i < CHAINS; ++i) a[i] = V{} + seed * i;
    const auto start = std::chrono::steady_clock::now();
    for (long round = 0; round < ROUNDS; ++round)
        _Pragma("GCC unroll 16") for (int i = 0; i < CHAINS; ++i) a[i] = a[i] * b + c;
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
    V sum = V{};
    for (int i = 0; i < CHAINS; ++i) sum += a[i];
    sink = sum[0];
    return took.count();
}
}  // namespace

// FLOP a second of one thread: the best of `windows`, because other programs only ever make a window slower.
extern "C" double torchup_peak(int windows) {
    double best = 1e9;
    for (int i = 0; i < windows; ++i) {
        const double seconds = window(1.0f + i);
        if (seconds < best) best = seconds;
    }
    return 2.0 * L * CHAINS * ROUNDS / best;
}
