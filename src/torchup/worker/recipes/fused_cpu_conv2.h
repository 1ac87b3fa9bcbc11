// The second convolution by the transforms of fused_cpu_winograd.h, for AVX-512: forward and both gradients.
// Its eight by eight outputs are four tiles of four by four; a tile sees a window of eight by eight inputs.
//
// Factors are kept together by their number f: for each f the layer is a small matrix product (16 x 6 channels, one
// column a tile), and so are the gradients of its filters and of its input. An odd distance (`PAD`) between two f keeps
// those of one channel in different sets of the first cache.

constexpr int TILES = 4, PAD = 1;
constexpr int PAIR_STRIDE = 2 * C1 + PAD;

// Filters, of one input channel, as twenty-five vectors with an output channel a lane.
INLINE void conv2_lanes(const float *w, int ic, V *taps) {
    for (int k = 0; k < 25; ++k)
        for (int o = 0; o < C2; ++o) taps[k][o] = w[(o * C1 + ic) * 25 + k];
}

// Filters to their factors: wide[f][input channel][output channel], and u of the same order for the way back.
void conv2_filters(const float *w, float *wide, float *u) {
    for (int ic = 0; ic < C1; ++ic) {
        V taps[25], half[WIDE * 5];
        conv2_lanes(w, ic, taps);
        V *out = reinterpret_cast<V *>(wide) + ic;
        for (int x = 0; x < 5; ++x) filter_to_wide(taps + x, 5, half + x, 5);
        for (int f = 0; f < WIDE; ++f) filter_to_wide(half + f * 5, 1, out + f * WIDE * C1, C1);
        out = reinterpret_cast<V *>(u) + ic;
        for (int x = 0; x < 5; ++x) filter_to_points(taps + x, 5, half + x, 5);
        for (int f = 0; f < POINTS; ++f) filter_to_points(half + f * 5, 1, out + f * POINTS * C1, C1);
    }
}

INLINE int conv2_place(int ic, int tile) { return ic * P1 * P1 + (tile >> 1) * 4 * P1 + (tile & 1) * 4; }

// The windows of two tiles to x[f][tile][channel].
INLINE void conv2_inputs(const V *in, int pair, V *x) {
    for (int t = 0; t < 2; ++t)
        for (int ic = 0; ic < C1; ++ic) {
            const V *window = in + conv2_place(ic, pair + t);
            V half[WIDE * POINTS], *out = x + t * C1 + ic;
            for (int k = 0; k < POINTS; ++k) to_wide(window + k, P1, half + k, POINTS);
            for (int f = 0; f < WIDE; ++f) to_wide(half + f * POINTS, 1, out + f * WIDE * PAIR_STRIDE, PAIR_STRIDE);
        }
}

// Two tiles, all channels: m[tile][output channel][f], so that a filter's factor is loaded once for two products.
INLINE void conv2_products(const V *x, const float *u, V *m) {
    for (int f = 0; f < WIDE_TILE; ++f, x += PAIR_STRIDE, u += C1 * C2) {
        V first[C1], second[C1];
        UNROLL for (int ic = 0; ic < C1; ++ic) first[ic] = x[ic], second[ic] = x[C1 + ic];
        for (int o = 0; o < C2; o += 4) {
            V sum[4][2];
            UNROLL for (int k = 0; k < 4; ++k) sum[k][0] = sum[k][1] = V{};
            UNROLL for (int ic = 0; ic < C1; ++ic) UNROLL for (int k = 0; k < 4; ++k) {
                const V weight = u[ic * C2 + o + k] - V{};
                sum[k][0] += weight * first[ic];
                sum[k][1] += weight * second[ic];
            }
            UNROLL for (int k = 0; k < 4; ++k) UNROLL for (int t = 0; t < 2; ++t)
                m[(t * C2 + o + k) * WIDE_TILE + f] = sum[k][t];
        }
    }
}

// Four by four outputs from a tile's products, then bias, pooling and ReLU.
INLINE void conv2_outputs(const V *m, float bias, V *out, int out_stride, Winner *winner) {
    V half[4 * WIDE], y[16];
    for (int k = 0; k < WIDE; ++k) from_wide(m + k, WIDE, half + k, WIDE);
    for (int row = 0; row < 4; ++row) from_wide(half + row * WIDE, 1, y + row * 4, 1);
    UNROLL for (int q = 0; q < 4; ++q) {
        const int at = (q >> 1) * 8 + (q & 1) * 2, to = (q >> 1) * P2 + (q & 1);
        const V four[4] = {y[at], y[at + 1], y[at + 4], y[at + 5]};
        pool(four, bias, out + to * out_stride, winner + to);
    }
}

struct Conv2Forward {  // work space
    V x[WIDE_TILE * PAIR_STRIDE], m[2 * C2 * WIDE_TILE];
};

INLINE void conv2_forward(const V *in, const float *u, const float *b, Conv2Forward &space, V *out, int stride,
                          Winner *winner) {
    for (int pair = 0; pair < TILES; pair += 2) {
        conv2_inputs(in, pair, space.x);
        conv2_products(space.x, u, space.m);
        for (int t = 0; t < 2; ++t)
            for (int o = 0; o < C2; ++o) {
                const int at = o * P2 * P2 + pair * P2 + t * 2;
                conv2_outputs(space.m + (t * C2 + o) * WIDE_TILE, b[o], out + at * stride, stride, winner + at);
            }
    }
}

// ------------------------------------------------------------------ the way back

constexpr int x_stride(int groups) { return groups * TILES * C1 + PAD; }
constexpr int d_stride(int groups) { return groups * TILES * C2 + PAD; }

struct Conv2Backward {  // work space: values at the points of the input, then of its gradient; of the outputs' gradient
    V x[TILE * x_stride(BLOCK)], d[2 * POINTS * d_stride(BLOCK)];
};

// All windows of a group to x[point][tile][channel].
INLINE void conv2_values(const V *in, V *x, int stride) {
    for (int tile = 0; tile < TILES; ++tile)
        for (int ic = 0; ic < C1; ++ic) {
            const V *window = in + conv2_place(ic, tile);
            V half[TILE], *out = x + tile * C1 + ic;
            for (int k = 0; k < POINTS; ++k) to_points(window + k, P1, half + k, POINTS);
            for (int f = 0; f < POINTS; ++f) to_points(half + f * POINTS, 1, out + f * POINTS * stride, stride);
        }
}

// A tile's gradient, which is zero but at the winners, to its values at the sixteen points of one pair of rows.
template <int PAIR>
INLINE void conv2_gradient_points(const V *d, const Winner *winner, V *out, int stride) {
    V y[4][4];
    UNROLL for (int p = 0; p < 4; ++p) {
        const int at = (p >> 1) * P2 + (p & 1), row = p & 2, column = p % 2 * 2;
        const __mmask16 right = winner[at].right, below = winner[at].below;
        UNROLL for (int r = 0; r < 2; ++r) {
            const __m512 half = _mm512_maskz_mov_ps(r ? below : ~below, (__m512)d[at]);
            y[row + r][column] = (V)_mm512_maskz_mov_ps(~right, half);
            y[row + r][column + 1] = (V)_mm512_maskz_mov_ps(right, half);
        }
    }
    V row[2][4];
    UNROLL for (int k = 0; k < 4; ++k) outputs_to_points<PAIR>(y[0][k], y[1][k], y[2][k], y[3][k], &row[0][k], 4);
    UNROLL for (int r = 0; r < 2; ++r) {
        V *to = out + r * POINTS * stride;
        const V a = row[r][0], b = row[r][1], c = row[r][2], e = row[r][3];
        outputs_to_points<0>(a, b, c, e, to, stride);
        outputs_to_points<1>(a, b, c, e, to + 2 * stride, stride);
        outputs_to_points<2>(a, b, c, e, to + 4 * stride, stride);
        outputs_to_points<3>(a, b, c, e, to + 6 * stride, stride);
    }
}

// Filter gradients at one point, du[input channel] with an output channel a lane: summed over tiles and lanes.
template <int T>
INLINE void conv2_filter_gradient(const V *x, const V *d, V *du) {
    V part[C1][4];
    for (int block = 0; block < 4; ++block) {
        V sum[C1][4];
        UNROLL for (int ic = 0; ic < C1; ++ic) UNROLL for (int k = 0; k < 4; ++k) sum[ic][k] = V{};
        for (int t = 0; t < T; ++t) {
            V factor[4];
            UNROLL for (int k = 0; k < 4; ++k) factor[k] = d[t * C2 + block * 4 + k];
            UNROLL for (int ic = 0; ic < C1; ++ic) {
                V value = x[t * C1 + ic];
                HOLD(value);
                UNROLL for (int k = 0; k < 4; ++k) sum[ic][k] += factor[k] * value;
            }
        }
        UNROLL for (int ic = 0; ic < C1; ++ic) part[ic][block] = sum_quarters(sum[ic]);
    }
    UNROLL for (int ic = 0; ic < C1; ++ic) du[ic] += join_quarters(part[ic]);
}

// Gradients of the input's values at one point, for four tiles; they take the place of the values.
INLINE void conv2_value_gradient(const float *u, const V *d, V *x) {
    V sum[TILES][C1];
    UNROLL for (int t = 0; t < TILES; ++t) UNROLL for (int ic = 0; ic < C1; ++ic) sum[t][ic] = V{};
    for (int o = 0; o < C2; ++o) {
        V factor[TILES];
        UNROLL for (int t = 0; t < TILES; ++t) factor[t] = d[t * C2 + o];
        UNROLL for (int ic = 0; ic < C1; ++ic) {
            const V weight = u[ic * C2 + o] - V{};
            UNROLL for (int t = 0; t < TILES; ++t) sum[t][ic] += weight * factor[t];
        }
    }
    UNROLL for (int t = 0; t < TILES; ++t) UNROLL for (int ic = 0; ic < C1; ++ic) x[t * C1 + ic] = sum[t][ic];
}

// Both gradients at the sixteen points of one pair of rows: so much of the outputs' gradient stays in the caches.
template <int PAIR, int NG>
INLINE void conv2_backward_pair(const V *const *d, const Winner *const *winner, const float *u, Conv2Backward &space,
                                V *du) {
    constexpr int T = NG * TILES, X = x_stride(NG), D = d_stride(NG);
    for (int t = 0; t < T; ++t)
        for (int o = 0; o < C2; ++o) {
            const int at = o * P2 * P2 + (t % TILES >> 1) * 2 * P2 + (t & 1) * 2;
            conv2_gradient_points<PAIR>(d[t / TILES] + at, winner[t / TILES] + at, space.d + t * C2 + o, D);
        }
    for (int k = 0; k < 2 * POINTS; ++k) {
        const int f = PAIR * 2 * POINTS + k;
        V *const x = space.x + f * X, *const from = space.d + k * D;
        conv2_filter_gradient<T>(x, from, du + f * C1);
        for (int g = 0; g < NG; ++g) conv2_value_gradient(u + f * C1 * C2, from + g * TILES * C2, x + g * TILES * C1);
    }
}

// The input's gradient from that of its values at the points.
INLINE void conv2_input_gradient(const V *x, int stride, V *out) {
    std::memset(out, 0, sizeof(V) * C1 * P1 * P1);
    for (int tile = 0; tile < TILES; ++tile)
        for (int ic = 0; ic < C1; ++ic) {
            V half[TILE];
            const V *from = x + tile * C1 + ic;
            for (int f = 0; f < POINTS; ++f, from += POINTS * stride) to_points_back(from, stride, half + f * POINTS, 1);
            V *place = out + conv2_place(ic, tile);
            for (int k = 0; k < POINTS; ++k, ++place) {
                V column[POINTS];
                to_points_back(half + k, POINTS, column, 1);
                UNROLL for (int row = 0; row < POINTS; ++row) place[row * P1] += column[row];
            }
        }
}

template <int NG>
INLINE void conv2_backward(const V *const *d, const Winner *const *winner, const float *u, Conv2Backward &space,
                           V *du) {
    conv2_backward_pair<0, NG>(d, winner, u, space, du);
    conv2_backward_pair<1, NG>(d, winner, u, space, du);
    conv2_backward_pair<2, NG>(d, winner, u, space, du);
    conv2_backward_pair<3, NG>(d, winner, u, space, du);
}

// The gradient of the filters' values back to that of the taps, in the order of the weights.
void conv2_taps(const V *du, float *gradient) {
    for (int ic = 0; ic < C1; ++ic) {
        V half[POINTS * 5], taps[25];
        for (int f = 0; f < POINTS; ++f) filter_to_points_back(du + f * POINTS * C1 + ic, C1, half + f * 5, 1);
        for (int x = 0; x < 5; ++x) filter_to_points_back(half + x, 5, taps + x, 5);
        for (int o = 0; o < C2; ++o)
            for (int k = 0; k < 25; ++k) gradient[(o * C1 + ic) * 25 + k] = taps[k][o];
    }
}
