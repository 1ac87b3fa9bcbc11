// The first convolution by the transforms of fused_cpu_winograd.h along its rows, for AVX-512: forward only.
// With one input channel a transform of both directions would cost more than it leaves out.

// Filters to their factors: u[f][output channel][row].
void conv1_filters(const float *w, float *u) {
    for (int row = 0; row < C1 * 5; ++row) filter_to_wide(w + row * 5, 1, u + row, C1 * 5);
}

// Products of one factor: OC channels of ROWS rows, m[channel][row][f].
template <int OC, int ROWS>
INLINE void conv1_products(const V *x, const float *u, V *m) {
    V sum[OC][ROWS], value[ROWS + 4];
    UNROLL for (int row = 0; row < ROWS + 4; ++row) value[row] = x[row * WIDE];
    UNROLL for (int o = 0; o < OC; ++o) UNROLL for (int r = 0; r < ROWS; ++r) sum[o][r] = V{};
    UNROLL for (int ky = 0; ky < 5; ++ky) UNROLL for (int o = 0; o < OC; ++o) {
        const V weight = u[o * 5 + ky] - V{};
        UNROLL for (int r = 0; r < ROWS; ++r) sum[o][r] += weight * value[ky + r];
    }
    UNROLL for (int o = 0; o < OC; ++o) UNROLL for (int r = 0; r < ROWS; ++r) m[(o * ROWS + r) * WIDE] = sum[o][r];
}

// Two rows of four outputs of a channel to two pooled positions.
INLINE void conv1_outputs(const V *m, float bias, V *out, Winner *winner) {
    V y[2][4];
    UNROLL for (int r = 0; r < 2; ++r) from_wide(m + r * WIDE, 1, y[r], 1);
    UNROLL for (int p = 0; p < 2; ++p) {
        const V four[4] = {y[0][2 * p], y[0][2 * p + 1], y[1][2 * p], y[1][2 * p + 1]};
        pool(four, bias, out + p, winner + p);
    }
}

// The multiply-adds of a block and the additions of the block before it are interleaved, so that the processor does
// both at once; a block is three channels of two by two pooled positions.
INLINE void conv1_forward(const V *in, const float *u, const float *b, V *out, Winner *winner) {
    constexpr int OC = 3, ROWS = 4, PARTS = C1 / OC, BLOCKS = P1 / 2 * PARTS, PIECES = OC * ROWS / 2;
    for (int x = 0; x < P1; x += 2) {
        V values[IN * WIDE], m[2][OC * ROWS * WIDE];
        for (int row = 0; row < IN; ++row) to_wide(in + row * IN + 2 * x, 1, values + row * WIDE, 1);
        for (int block = 0; block <= BLOCKS; ++block) {
            const V *rows = values + block / PARTS * ROWS * WIDE;
            const float *filters = u + block % PARTS * OC * 5;
            const int before = block - 1, first = before % PARTS * OC, y = before / PARTS * 2;
            for (int f = 0; f < WIDE; ++f) {
                if (block < BLOCKS) conv1_products<OC, ROWS>(rows + f, filters + f * C1 * 5, m[block & 1] + f);
                if (block == 0 || f >= PIECES) continue;
                const int o = first + f / 2, at = o * P1 * P1 + (y + f % 2) * P1 + x;
                conv1_outputs(m[before & 1] + 2 * f * WIDE, b[o], out + at, winner + at);
            }
        }
    }
}
