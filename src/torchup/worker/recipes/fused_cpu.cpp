// The article's training run as one hand-written loop: forward, backward and update of a step without a library call.
//
// How it is laid out
// - L samples travel side by side in the lanes of one vector, so every operation of the network is the same
//   instruction for L samples and a weight is one broadcast (`x - V{}`: exact for every x, -0 too, so the compiler
//   drops the operation; `V{} + x` has to be computed). A batch of 64 is 64/L groups.
// - A thread takes every T-th group through forward and backward (phase A). Then (phase B) each thread owns a slice of
//   the parameters: it sums their gradients over the whole batch in registers and applies momentum and step at once.
//   Two barriers a step; no other synchronisation, no allocation.
// - Convolution, ReLU and pooling are one kernel; it keeps which of the four positions won, for the way back.
// - With AVX-512 most of a convolution's multiply-adds are left out, by identities (fused_cpu_winograd.h), and the way
//   back through the first one multiplies for the winners only (fused_cpu_winners.h). Elsewhere convolutions are plain
//   sums (fused_cpu_direct.h): their transforms want more registers than there are.
// - What crosses from thread to thread costs as much as arithmetic. So threads share as few cache lines as possible.
//
// The mathematics is that of lenet.py: mean cross entropy, SGD with momentum, float32. Only rounding differs: sums are
// in another order, and an identity rounds its products of sums.

#include <atomic>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <memory>
#include <thread>
#include <vector>
#if defined(__AVX512F__)
#include <immintrin.h>
#endif

#if defined(__AVX512F__)
constexpr int L = 16;
#else
constexpr int L = 8;
#endif

typedef float V __attribute__((vector_size(L * 4)));
typedef int32_t VI __attribute__((vector_size(L * 4)));
typedef float U8 __attribute__((vector_size(32)));
typedef float U4 __attribute__((vector_size(16)));

#define UNROLL _Pragma("GCC unroll 16")
#if defined(__AVX512F__)
#define HOLD(value) asm("" : "+v"(value))  // in a register: GCC would load it again for each multiply-add
#else
#define HOLD(value) (void)(value)
#endif
#define INLINE static inline __attribute__((always_inline))

namespace {

constexpr int MAX_BATCH = 64;
constexpr int MAX_GROUPS = MAX_BATCH / L;
constexpr int BLOCK = 2;  // groups that a thread takes through the linear layers together: more leave the first cache
constexpr int C1 = 6, C2 = 16, F0 = 256, F1 = 120, F2 = 84, F3 = 10;
constexpr int IN = 28, P1 = 12, P2 = 4;  // widths: image, after the first pool, after the second
constexpr int W1_SIZE = C1 * 25, W2_SIZE = C2 * C1 * 25;
constexpr int CONV_SIZE = W1_SIZE + C1 + C2 + W2_SIZE;

INLINE V keep(V value, VI mask) { return (V)((VI)value & mask); }

struct Parameters {  // pointers into torch's own tensors, in the order of Net.parameters()
    float *w1, *b1, *w2, *b2, *w3, *b3, *w4, *b4, *w5, *b5;
};

#if defined(__AVX512F__)
struct Winner {  // which of four positions is the largest; a bit a lane
    uint16_t passes, right, below;  // passes: ReLU lets it through
};
#else
typedef VI Winner;  // its number, -1 where ReLU lets nothing through
#endif

struct Group {  // what one group of L samples needs again on the way back
    V input[IN * IN];
    V pooled1[C1 * P1 * P1];
    Winner winner1[C1 * P1 * P1];
    Winner winner2[C2 * P2 * P2];
};

// The floats from one sample to the next: an odd number of cache lines, so that no vector crosses one and that sixteen
// samples lie in different sets of the first cache.
constexpr int padded(int features) { return ((features + 15) / 16 | 1) * 16; }

// Inputs lie in blocks of columns, so that a thread's tiles have no cache line in common with those of another.
#if defined(__AVX512F__)
constexpr int COLUMNS = 64, HALVES = 2;  // an even number of threads shares the columns, half of them each
#else
constexpr int COLUMNS = 264, HALVES = 1;  // all columns, in tiles of 24
#endif
constexpr int BLOCK_SIZE = MAX_BATCH * padded(COLUMNS);
constexpr int blocked(int features) { return (features + COLUMNS - 1) / COLUMNS * BLOCK_SIZE; }

struct alignas(64) Shared {  // sample-major copies for the weight gradients of the linear layers
    float x0[blocked(F0)], x1[blocked(F1)], x2[blocked(F2)];
    float d1[MAX_BATCH * padded(F1)], d2[MAX_BATCH * padded(F2)], d3[MAX_BATCH * padded(F3)];
};

class Barrier {
  public:
    explicit Barrier(int threads) : threads_(threads) {}
    void wait() {
        if (threads_ == 1) return;
        const int phase = phase_.load(std::memory_order_acquire);
        if (arrived_.fetch_add(1, std::memory_order_acq_rel) == threads_ - 1) {
            arrived_.store(0, std::memory_order_relaxed);
            phase_.store(phase + 1, std::memory_order_release);
            return;
        }
        for (int spins = 0; phase_.load(std::memory_order_acquire) == phase; ++spins)
            if (spins > 4000) std::this_thread::yield();  // another program has the core: let it end its slice
    }

  private:
    const int threads_;
    std::atomic<int> arrived_{0}, phase_{0};
};

#if defined(__AVX512F__)
#include "fused_cpu_lanes.h"
#include "fused_cpu_images.h"
#include "fused_cpu_winograd.h"
#include "fused_cpu_winners.h"
#include "fused_cpu_conv1.h"
#include "fused_cpu_conv2.h"
#else
#include "fused_cpu_direct.h"
#endif

struct alignas(64) Scratch {  // one a thread
    Group groups[BLOCK];
    V x0[F0 * BLOCK], x1[F1 * BLOCK], x2[F2 * BLOCK], x3[F3 * BLOCK];  // activations, [feature][group]
    V d0[F0 * BLOCK], d1[F1 * BLOCK], d2[F2 * BLOCK], d3[F3 * BLOCK];  // their gradients
    V d_pooled1[C1 * P1 * P1];
#if defined(__AVX512F__)
    V d_pooled2[BLOCK][C2 * P2 * P2];
    union {
        Conv2Forward forward;
        Conv2Backward backward;
    };
    V lane_gradient[CONV_SIZE - W2_SIZE];  // w1, b1, b2: the lanes are still to be summed
    V d_filters2[TILE * C1];               // w2: [point][input channel], an output channel a lane
    alignas(64) float conv_gradient[CONV_SIZE];  // all that another thread reads
    alignas(64) float filters1[WIDE * C1 * 5], filters2[WIDE_TILE * C1 * C2], filters2_back[TILE * C1 * C2];
#else
    V d_conv2[C2 * 64], d_conv1[C1 * 576];
    V conv_gradient[CONV_SIZE];  // w1, b1, b2, w2; the lanes are still to be summed
#endif
    double loss;
};

// ------------------------------------------------------------------ linear layers, NG groups at a time

// T outputs of `NG` groups: sums in registers. Element (o, i) of the weights is w[o * so + i * si].
template <int T, int NG>
INLINE void linear_tile(const V *x, int inputs, const float *w, int so, int si, const float *bias, V *out) {
    V sum[T][NG];
    UNROLL for (int t = 0; t < T; ++t) UNROLL for (int g = 0; g < NG; ++g) sum[t][g] = (bias ? bias[t] : 0.0f) - V{};
    for (int i = 0; i < inputs; ++i) {
        V value[NG];
        UNROLL for (int g = 0; g < NG; ++g) value[g] = x[i * NG + g];
        UNROLL for (int t = 0; t < T; ++t) {
            const V weight = w[t * so + i * si] - V{};
            UNROLL for (int g = 0; g < NG; ++g) sum[t][g] += weight * value[g];
        }
    }
    UNROLL for (int t = 0; t < T; ++t) UNROLL for (int g = 0; g < NG; ++g) out[t * NG + g] = sum[t][g];
}

template <int NG>
INLINE void linear(const V *x, int inputs, int outputs, const float *w, int so, int si, const float *bias, V *out) {
    constexpr int T = 12 / NG;
    int o = 0;
    for (; o + T <= outputs; o += T)
        linear_tile<T, NG>(x, inputs, w + o * so, so, si, bias ? bias + o : nullptr, out + o * NG);
    for (; o + 2 <= outputs; o += 2)
        linear_tile<2, NG>(x, inputs, w + o * so, so, si, bias ? bias + o : nullptr, out + o * NG);
    for (; o < outputs; ++o)
        linear_tile<1, NG>(x, inputs, w + o * so, so, si, bias ? bias + o : nullptr, out + o * NG);
}

INLINE void relu(V *x, int count) {
    for (int i = 0; i < count; ++i) x[i] = keep(x[i], x[i] > V{});
}

INLINE void through_relu(V *d, const V *x, int count) {
    for (int i = 0; i < count; ++i) d[i] = keep(d[i], x[i] > V{});
}

// ------------------------------------------------------------------ a step

struct Run {
    Parameters p, m;  // parameters and their momentum
    const uint8_t *images;
    const int64_t *labels;
    const float *table;  // byte -> normalised pixel
    bool computed;       // whether its values can be computed instead
    float rate, momentum;
    int threads;
    std::vector<std::unique_ptr<Scratch>> scratch;
    std::unique_ptr<Shared> shared;
};

void load_group(const Run &run, const int64_t *order, int count, V *input) {
#if defined(__AVX512F__)
    if (count >= L) return sixteen_images(run.images, order, run.table, run.computed, input);
#endif
    alignas(64) float *out = reinterpret_cast<float *>(input);
    for (int lane = 0; lane < L; ++lane) {
        if (lane >= count) {
            for (int i = 0; i < IN * IN; ++i) out[i * L + lane] = 0.0f;
            continue;
        }
        const uint8_t *image = run.images + order[lane] * (IN * IN);
        for (int i = 0; i < IN * IN; ++i) out[i * L + lane] = run.table[image[i]];
    }
}

// Softmax and cross entropy of NG groups; logits in, their gradient out. Lanes without a sample get zero.
template <int NG>
double loss_and_gradient(const Run &run, const int64_t *order, const int *group_at, int batch, const V *x, V *d) {
    double loss = 0.0;
    for (int g = 0; g < NG; ++g)
        for (int lane = 0; lane < L; ++lane) {
            const int sample = group_at[g] * L + lane;
            if (sample >= batch) {
                for (int o = 0; o < F3; ++o) d[o * NG + g][lane] = 0.0f;
                continue;
            }
            float largest = x[g][lane], total = 0.0f, power[F3];
            for (int o = 1; o < F3; ++o) largest = std::fmax(largest, x[o * NG + g][lane]);
            for (int o = 0; o < F3; ++o) total += power[o] = std::exp(x[o * NG + g][lane] - largest);
            const int64_t truth = run.labels[order[sample]];
            loss += std::log(total) + largest - x[truth * NG + g][lane];
            for (int o = 0; o < F3; ++o) d[o * NG + g][lane] = (power[o] / total - (o == truth)) / batch;
        }
    return loss;
}

// Features of NG groups, sample by sample, in blocks of `columns`.
template <int NG>
void sample_major(const V *x, int features, const int *group_at, float *out, int columns) {
    const float *in = reinterpret_cast<const float *>(x);
    const int row = padded(columns);
    for (int g = 0; g < NG; ++g)
        for (int i = 0; i < features;) {
            float *to = out + i / columns * BLOCK_SIZE + group_at[g] * L * row + i % columns;
#if defined(__AVX512F__)
            if (i + L <= features) {
                transpose(x + i * NG + g, NG, to, row);
                i += L;
                continue;
            }
#endif
            for (int lane = 0; lane < L; ++lane) to[lane * row] = in[(i * NG + g) * L + lane];
            ++i;
        }
}

#if defined(__AVX512F__)
template <int NG>
INLINE void back_through_convolutions(Scratch &s, const Parameters &) {
    V *const g1 = s.lane_gradient, *const gb1 = g1 + W1_SIZE, *const gb2 = gb1 + C1;
    const V *d[NG];
    const Winner *winner[NG];
    for (int g = 0; g < NG; ++g) {
        d[g] = s.d_pooled2[g];
        winner[g] = s.groups[g].winner2;
        through_pool<C2, P2>(s.d0 + g, NG, winner[g], s.d_pooled2[g], gb2);
        conv2_values(s.groups[g].pooled1, s.backward.x + g * TILES * C1, x_stride(NG));
    }
    conv2_backward<NG>(d, winner, s.filters2_back, s.backward, s.d_filters2);
    for (int g = 0; g < NG; ++g) {
        const Group &group = s.groups[g];
        conv2_input_gradient(s.backward.x + g * TILES * C1, x_stride(NG), s.d_pooled1);
        through_pool<C1, P1>(s.d_pooled1, 1, group.winner1, s.d_pooled1, gb1);
        winners_weight_gradient<C1, IN, P1>(group.input, s.d_pooled1, group.winner1, g1);
    }
}
#else
template <int NG>
INLINE void back_through_convolutions(Scratch &s, const Parameters &p) {
    V *const g1 = s.conv_gradient, *const gb1 = g1 + W1_SIZE, *const gb2 = gb1 + C1, *const g2 = gb2 + C2;
    for (int g = 0; g < NG; ++g) {
        const Group &group = s.groups[g];
        unpool<C2, P2>(s.d0 + g, NG, group.winner2, s.d_conv2, gb2);
        conv_weight_gradient<C1, C2, P1>(group.pooled1, s.d_conv2, g2);
        conv2_input_gradient(s.d_conv2, p.w2, s.d_pooled1);
        unpool<C1, P1>(s.d_pooled1, 1, group.winner1, s.d_conv1, gb1);
        conv_weight_gradient<1, C1, IN>(group.input, s.d_conv1, g1);
    }
}
#endif

// Phase A for NG groups of one thread.
template <int NG>
__attribute__((noinline)) void through(Run &run, Scratch &s, const int64_t *order, int batch, const int *group_at) {
    const Parameters &p = run.p;
    for (int g = 0; g < NG; ++g) {
        Group &group = s.groups[g];
        load_group(run, order + group_at[g] * L, batch - group_at[g] * L, group.input);
#if defined(__AVX512F__)
        conv1_forward(group.input, s.filters1, p.b1, group.pooled1, group.winner1);
        conv2_forward(group.pooled1, s.filters2, p.b2, s.forward, s.x0 + g, NG, group.winner2);
#else
        conv_layer<1, C1, IN, P1>(group.input, p.w1, p.b1, group.pooled1, group.winner1, 1);
        conv_layer<C1, C2, P1, P2>(group.pooled1, p.w2, p.b2, s.x0 + g, group.winner2, NG);
#endif
    }
    linear<NG>(s.x0, F0, F1, p.w3, F0, 1, p.b3, s.x1);
    relu(s.x1, F1 * NG);
    linear<NG>(s.x1, F1, F2, p.w4, F1, 1, p.b4, s.x2);
    relu(s.x2, F2 * NG);
    linear<NG>(s.x2, F2, F3, p.w5, F2, 1, p.b5, s.x3);
    s.loss += loss_and_gradient<NG>(run, order, group_at, batch, s.x3, s.d3);
    linear<NG>(s.d3, F3, F2, p.w5, 1, F2, nullptr, s.d2);
    through_relu(s.d2, s.x2, F2 * NG);
    linear<NG>(s.d2, F2, F1, p.w4, 1, F1, nullptr, s.d1);
    through_relu(s.d1, s.x1, F1 * NG);
    linear<NG>(s.d1, F1, F0, p.w3, 1, F0, nullptr, s.d0);
    Shared &all = *run.shared;
    sample_major<NG>(s.x0, F0, group_at, all.x0, COLUMNS);
    sample_major<NG>(s.x1, F1, group_at, all.x1, COLUMNS);
    sample_major<NG>(s.x2, F2, group_at, all.x2, COLUMNS);
    sample_major<NG>(s.d1, F1, group_at, all.d1, F1);
    sample_major<NG>(s.d2, F2, group_at, all.d2, F2);
    sample_major<NG>(s.d3, F3, group_at, all.d3, F3);
    back_through_convolutions<NG>(s, p);
}

void phase_a(Run &run, int thread, const int64_t *order, int batch) {
    Scratch &s = *run.scratch[thread];
    s.loss = 0.0;
#if defined(__AVX512F__)
    std::memset(s.lane_gradient, 0, sizeof s.lane_gradient);
    std::memset(s.d_filters2, 0, sizeof s.d_filters2);
    conv1_filters(run.p.w1, s.filters1);
    conv2_filters(run.p.w2, s.filters2, s.filters2_back);
#else
    std::memset(s.conv_gradient, 0, sizeof s.conv_gradient);
#endif
    const int groups = (batch + L - 1) / L;
    int mine[MAX_GROUPS], count = 0;
    for (int g = thread; g < groups; g += run.threads) mine[count++] = g;
    for (int at = 0; at < count; at += BLOCK) {
        switch (count - at < BLOCK ? count - at : BLOCK) {
            case 1: through<1>(run, s, order, batch, mine + at); break;
            default: through<2>(run, s, order, batch, mine + at); break;
        }
    }
#if defined(__AVX512F__)
    for (int i = 0; i < CONV_SIZE - W2_SIZE; ++i) s.conv_gradient[i] = lane_sum(s.lane_gradient[i]);
    conv2_taps(s.d_filters2, s.conv_gradient + CONV_SIZE - W2_SIZE);
#endif
}

#include "fused_cpu_update.h"

void phase_b(const Run &run, int thread, int batch) {
    const int samples = (batch + L - 1) / L * L;  // lanes without a sample hold zero gradients
    const Parameters &p = run.p, &m = run.m;
    const Shared &all = *run.shared;
    linear_update(run, thread, {all.d1, all.x0, F1, F0, p.w3, p.b3, m.w3, m.b3}, samples);
    linear_update(run, thread, {all.d2, all.x1, F2, F1, p.w4, p.b4, m.w4, m.b4}, samples);
    linear_update(run, thread, {all.d3, all.x2, F3, F2, p.w5, p.b5, m.w5, m.b5}, samples);
    conv_update(run, thread);
}

void work(Run &run, Barrier &barrier, int thread, const int64_t *order, int64_t samples, int batch, float *losses) {
    for (int64_t at = 0, step = 0; at < samples; at += batch, ++step) {
        const int size = static_cast<int>(samples - at < batch ? samples - at : batch);
        phase_a(run, thread, order + at, size);
        barrier.wait();
        if (thread == 0) {
            double total = 0.0;
            for (int t = 0; t < run.threads; ++t) total += run.scratch[t]->loss;
            losses[step] = static_cast<float>(total / size);
        }
        phase_b(run, thread, size);
        barrier.wait();
    }
}

}  // namespace

extern "C" int torchup_lanes() { return L; }

// Train on `samples` images in `order`; writes one loss a step. Returns 0, or 1 when an argument cannot be.
// parameters, momenta: ten pointers each, in the order of Net.parameters().
extern "C" int torchup_train(float **parameters, float **momenta, const uint8_t *images, const int64_t *labels,
                             const float *table, const int64_t *order, int64_t samples, int batch, float rate,
                             float momentum, int threads, float *losses) {
    if (batch < 1 || batch > MAX_BATCH || threads < 1 || threads > MAX_GROUPS) return 1;
    Run run;
    std::memcpy(&run.p, parameters, sizeof run.p);
    std::memcpy(&run.m, momenta, sizeof run.m);
    run.images = images;
    run.labels = labels;
    run.table = table;
#if defined(__AVX512F__)
    run.computed = is_normalised(table);
#endif
    run.rate = rate;
    run.momentum = momentum;
    run.threads = threads;
    for (int t = 0; t < threads; ++t) run.scratch.emplace_back(new Scratch);
    run.shared.reset(new Shared);
    Barrier barrier(threads);
    std::vector<std::thread> others;
    for (int t = 1; t < threads; ++t)
        others.emplace_back([&, t] { work(run, barrier, t, order, samples, batch, losses); });
    work(run, barrier, 0, order, samples, batch, losses);
    for (auto &other : others) other.join();
    return 0;
}
