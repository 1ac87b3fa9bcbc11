// The way back through the winners of pooling only, for AVX-512. Included by fused_cpu.cpp, inside its namespace.
//
// Three of the four positions under a pooled one have no gradient. Each lane has another winner, so it is selected:
// two blends bring a lane's own pixel, a permutation its own weight, and one multiply-add does the work of four.

// Gradients of pooled positions, zero where ReLU let nothing through; adds the bias gradient on the way.
template <int OC, int P>
INLINE void through_pool(const V *d, int d_stride, const VI *winner, V *out, V *d_bias) {
    for (int o = 0; o < OC; ++o) {
        V total = V{};
        for (int at = o * P * P; at < (o + 1) * P * P; ++at) {
            out[at] = keep(d[at * d_stride], winner[at] >= 0);
            total += out[at];
        }
        d_bias[o] += total;
    }
}

INLINE V select(__mmask16 second, V a, V b) { return (V)_mm512_mask_blend_ps(second, (__m512)a, (__m512)b); }

// ROWS rows of five taps of one pair of channels; all 25 sums at once are more than there are registers for.
template <int W, int P, int ROWS>
INLINE void taps_gradient(const V *in, const V *d, const VI *winner, V *gradient) {
    V sum[ROWS][5];
    UNROLL for (int r = 0; r < ROWS; ++r) UNROLL for (int k = 0; k < 5; ++k) sum[r][k] = V{};
    for (int y = 0; y < P; ++y)
        for (int x = 0; x < P; ++x) {
            const V value = d[y * P + x];
            const __m512i which = (__m512i)winner[y * P + x];
            const __mmask16 right = _mm512_test_epi32_mask(which, _mm512_set1_epi32(1));
            const __mmask16 below = _mm512_test_epi32_mask(which, _mm512_set1_epi32(2));
            const V *p = in + 2 * y * W + 2 * x;
            V upper[5];
            UNROLL for (int k = 0; k < 5; ++k) upper[k] = select(right, p[k], p[k + 1]);
            UNROLL for (int r = 0; r < ROWS; ++r) {
                p += W;
                UNROLL for (int k = 0; k < 5; ++k) {
                    const V lower = select(right, p[k], p[k + 1]);
                    sum[r][k] += value * select(below, upper[k], lower);
                    upper[k] = lower;
                }
            }
        }
    UNROLL for (int r = 0; r < ROWS; ++r) UNROLL for (int k = 0; k < 5; ++k) gradient[r * 5 + k] += sum[r][k];
}

template <int IC, int OC, int W, int P>
INLINE void winners_weight_gradient(const V *in, const V *d, const VI *winner, V *gradient) {
    for (int ic = 0; ic < IC; ++ic)
        for (int o = 0; o < OC; ++o) {
            const V *from = d + o * P * P;
            const VI *which = winner + o * P * P;
            V *g = gradient + (o * IC + ic) * 25;
            taps_gradient<W, P, 3>(in + ic * W * W, from, which, g);
            taps_gradient<W, P, 2>(in + ic * W * W + 3 * W, from, which, g + 15);
        }
}
