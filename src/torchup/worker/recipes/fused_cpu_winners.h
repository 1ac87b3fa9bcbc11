// The way back through the winners of pooling only, for AVX-512. Included by fused_cpu.cpp, inside its namespace.
//
// Three of the four positions under a pooled one have no gradient. Each lane has another winner, so its own pixel is
// selected by two blends, and one multiply-add does the work of four.

INLINE V select(__mmask16 second, V a, V b) { return (V)_mm512_mask_blend_ps(second, (__m512)a, (__m512)b); }

// The largest of four positions, plus bias, through ReLU. Of equal ones the first wins, as in PyTorch.
INLINE void pool(const V *sum, float bias, V *out, Winner *winner) {
    auto greater = [](V a, V b) { return _mm512_cmp_ps_mask((__m512)a, (__m512)b, _CMP_GT_OQ); };
    auto larger = [](V a, V b) { return (V)_mm512_max_ps((__m512)a, (__m512)b); };
    const V upper = larger(sum[0], sum[1]), lower = larger(sum[2], sum[3]), best = larger(upper, lower) + bias;
    const __mmask16 below = greater(lower, upper), passes = greater(best, V{});
    const __mmask16 right = greater(select(below, sum[1], sum[3]), select(below, sum[0], sum[2]));
    *winner = {passes, right, below};
    *out = (V)_mm512_maskz_mov_ps(passes, (__m512)best);
}

// Gradients of pooled positions, zero where ReLU let nothing through; adds the bias gradient on the way.
template <int OC, int P>
INLINE void through_pool(const V *d, int d_stride, const Winner *winner, V *out, V *d_bias) {
    for (int o = 0; o < OC; ++o) {
        V total = V{};
        for (int at = o * P * P; at < (o + 1) * P * P; ++at) {
            out[at] = (V)_mm512_maskz_mov_ps(winner[at].passes, (__m512)d[at * d_stride]);
            total += out[at];
        }
        d_bias[o] += total;
    }
}

// A row of five taps of OC output channels, over all positions: they share the pixels that are loaded.
template <int W, int P, int OC>
INLINE void taps_gradient(const V *in, const V *d, const Winner *winner, V *gradient, int filter) {
    V sum[OC][5];
    UNROLL for (int o = 0; o < OC; ++o) UNROLL for (int k = 0; k < 5; ++k) sum[o][k] = V{};
    for (int y = 0; y < P; ++y)
        for (int x = 0; x < P; ++x) {
            const V *p = in + 2 * y * W + 2 * x;
            V upper[6], lower[6];
            UNROLL for (int k = 0; k < 6; ++k) upper[k] = p[k], lower[k] = p[W + k];
            UNROLL for (int o = 0; o < OC; ++o) {
                const int at = (o * P + y) * P + x;
                V row[6];
                UNROLL for (int k = 0; k < 6; ++k) row[k] = select(winner[at].below, upper[k], lower[k]);
                UNROLL for (int k = 0; k < 5; ++k) sum[o][k] += d[at] * select(winner[at].right, row[k], row[k + 1]);
            }
        }
    UNROLL for (int o = 0; o < OC; ++o) UNROLL for (int k = 0; k < 5; ++k) gradient[o * filter + k] += sum[o][k];
}

// Weight gradient for one input channel: OC output channels of W - 4 by W - 4 positions, pooled to P by P.
template <int OC, int W, int P>
INLINE void winners_weight_gradient(const V *in, const V *d, const Winner *winner, V *gradient) {
    constexpr int BOTH = 2;
    for (int o = 0; o < OC; o += BOTH)
        for (int row = 0; row < 5; ++row)
            taps_gradient<W, P, BOTH>(in + row * W, d + o * P * P, winner + o * P * P, gradient + o * 25 + row * 5, 25);
}
