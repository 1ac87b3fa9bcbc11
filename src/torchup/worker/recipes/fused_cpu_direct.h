// Convolutions as plain sums, where there is no AVX-512. Included by fused_cpu.cpp, inside its namespace.

// OC output channels of one pooled position: 4 x OC sums in registers, then the largest of the four, then ReLU.
template <int OC, int IC, int W>
INLINE void conv_pool(const V *in, const float *w, const float *bias, int y, int x, V *out, VI *winner, int plane) {
    V sum[OC][4];
    UNROLL for (int o = 0; o < OC; ++o) UNROLL for (int q = 0; q < 4; ++q) sum[o][q] = bias[o] - V{};
    for (int ic = 0; ic < IC; ++ic) {
        const V *p = in + ic * W * W + 2 * y * W + 2 * x;
        const float *tap = w + ic * 25;
        for (int ky = 0; ky < 5; ++ky, p += W, tap += 5)
            UNROLL for (int kx = 0; kx < 5; ++kx) {
                V weight[OC];
                UNROLL for (int o = 0; o < OC; ++o) weight[o] = tap[o * IC * 25 + kx] - V{};
                UNROLL for (int q = 0; q < 4; ++q) {
                    const V value = p[(q >> 1) * W + (q & 1) + kx];
                    UNROLL for (int o = 0; o < OC; ++o) sum[o][q] += weight[o] * value;
                }
            }
    }
    UNROLL for (int o = 0; o < OC; ++o) {
        V best = sum[o][0];
        VI which = VI{};
        UNROLL for (int q = 1; q < 4; ++q) {
            const VI more = sum[o][q] > best;
            best = keep(sum[o][q], more) + keep(best, ~more);
            which = (which & ~more) | (more & q);
        }
        const VI positive = best > V{};
        out[o * plane] = keep(best, positive);
        winner[o * plane] = (which & positive) | ~positive;  // -1: ReLU lets nothing through
    }
}

template <int IC, int OC, int W, int P>
INLINE void conv_layer(const V *in, const float *w, const float *b, V *out, VI *winner, int out_stride) {
    constexpr int PLANE = P * P;
    for (int y = 0; y < P; ++y)
        for (int x = 0; x < P; ++x) {
            int o = 0;
            V local[4];
            VI local_winner[4];
            auto store = [&](int count) {
                for (int k = 0; k < count; ++k) {
                    out[((o + k) * PLANE + y * P + x) * out_stride] = local[k];
                    winner[(o + k) * PLANE + y * P + x] = local_winner[k];
                }
            };
            constexpr int THREES = OC % 3 == 0 ? OC : OC - 4;  // 6 = 3 + 3; 16 = 3 + 3 + 3 + 3 + 2 + 2
            for (; o < THREES; o += 3) {
                conv_pool<3, IC, W>(in, w + o * IC * 25, b + o, y, x, local, local_winner, 1);
                store(3);
            }
            for (; o < OC; o += 2) {
                conv_pool<2, IC, W>(in, w + o * IC * 25, b + o, y, x, local, local_winner, 1);
                store(2);
            }
        }
}

// Spread the gradient of pooled positions to the winners; the others get zero. Adds the bias gradient on the way.
template <int OC, int P>
INLINE void unpool(const V *d, int d_stride, const VI *winner, V *full, V *d_bias) {
    constexpr int W = 2 * P;
    for (int o = 0; o < OC; ++o) {
        V total = V{};
        for (int y = 0; y < P; ++y)
            for (int x = 0; x < P; ++x) {
                const int at = o * P * P + y * P + x;
                const V value = d[at * d_stride];
                const VI which = winner[at];
                V *place = full + o * W * W + 2 * y * W + 2 * x;
                UNROLL for (int q = 0; q < 4; ++q) {
                    const V part = keep(value, which == q);
                    place[(q >> 1) * W + (q & 1)] = part;
                    total += part;
                }
            }
        d_bias[o] += total;
    }
}

// Weight gradient: for two output channels and a row of five taps, ten sums in registers over all positions.
template <int IC, int OC, int W>
INLINE void conv_weight_gradient(const V *in, const V *d, V *gradient) {
    constexpr int OW = W - 4;
    for (int ic = 0; ic < IC; ++ic)
        for (int o = 0; o < OC; o += 2)
            for (int ky = 0; ky < 5; ++ky) {
                V sum[2][5];
                UNROLL for (int k = 0; k < 5; ++k) sum[0][k] = sum[1][k] = V{};
                for (int y = 0; y < OW; ++y) {
                    const V *p = in + ic * W * W + (y + ky) * W;
                    const V *first = d + o * OW * OW + y * OW, *second = first + OW * OW;
                    for (int x = 0; x < OW; ++x) {
                        const V a = first[x], b = second[x];
                        UNROLL for (int k = 0; k < 5; ++k) {
                            const V value = p[x + k];
                            sum[0][k] += a * value;
                            sum[1][k] += b * value;
                        }
                    }
                }
                V *g = gradient + (o * IC + ic) * 25 + ky * 5;
                UNROLL for (int k = 0; k < 5; ++k) {
                    g[k] += sum[0][k];
                    g[IC * 25 + k] += sum[1][k];
                }
            }
}

// Gradient of the second convolution's input: a row of twelve sums in registers, no multiplication with padding.
INLINE void conv2_input_gradient(const V *d, const float *w, V *out) {
    for (int ic = 0; ic < C1; ++ic)
        for (int row = 0; row < P1; ++row) {
            V sum[P1];
            UNROLL for (int x = 0; x < P1; ++x) sum[x] = V{};
            const int first = row < 8 ? 0 : row - 7, last = row < 4 ? row : 4;
            for (int o = 0; o < C2; ++o)
                for (int ky = first; ky <= last; ++ky) {
                    const V *p = d + o * 64 + (row - ky) * 8;
                    const float *tap = w + ((o * C1 + ic) * 5 + ky) * 5;
                    UNROLL for (int kx = 0; kx < 5; ++kx) {
                        const V weight = tap[kx] - V{};
                        UNROLL for (int x = 0; x < 8; ++x) sum[x + kx] += weight * p[x];
                    }
                }
            UNROLL for (int x = 0; x < P1; ++x) out[ic * P1 * P1 + row * P1 + x] = sum[x];
        }
}
