// Four outputs of a row of five taps with fewer than twenty products, for AVX-512. Included inside fused_cpu.cpp's
// namespace. `s` and `to` are the distances of two elements.
//
// Both ways are identities: products of sums, whose results differ from plain sums by rounding only.
// - Eleven products, forward. Even and odd taps apart (Karatsuba), each of the three halves at the points 0, 1, -1,
//   infinity (Toom-Cook, Winograd). It rounds like plain sums (1.3e-7 and 2e-7 of a value against 1.0e-7 and 2e-7), so
//   that pooling and ReLU choose the same: with eight products their choice differs often enough to be seen.
// - Eight products, backward, where nothing is chosen: points 0, infinity, 1, -1, 2, -2, 1/2, -1/2, in this order, and
//   the transposed transforms. It rounds to 1e-6 of a value.
// In two dimensions these are 121 and 64 products for the sixteen outputs of a tile instead of 400.

constexpr int WIDE = 11, WIDE_TILE = WIDE * WIDE;   // forward
constexpr int POINTS = 8, TILE = POINTS * POINTS;  // backward
constexpr float ONE = -2.0f / 9, TWO = 1.0f / 90, HALF = 32.0f / 45;  // factors of a filter's values at +-1, +-2, +-1/2

// ------------------------------------------------------------------ eleven products

// Eight inputs of a row to the eleven factors.
template <typename U>
INLINE void to_wide(const U *r, int s, U *t, int to) {
    const U r1 = r[s], r3 = r[3 * s], r5 = r[5 * s], r7 = r[7 * s], r2 = r[2 * s], r4 = r[4 * s], r6 = r[6 * s];
    const U even[4] = {r[0] - r1, r2 - r3, r4 - r5, r6 - r7}, odd[4] = {r1, r3, r5, r7};
    const U next[3] = {r2 - r1, r4 - r3, r6 - r5};
    UNROLL for (int k = 0; k < 2; ++k) {
        const U *from = k == 0 ? even : odd;
        U *out = t + k * 4 * to;
        out[0] = from[0] - from[2];
        out[to] = from[1] + from[2];
        out[2 * to] = from[2] - from[1];
        out[3 * to] = from[3] - from[1];
    }
    t[8 * to] = next[0] - next[1];
    t[9 * to] = next[1];
    t[10 * to] = next[2] - next[1];
}

// Eleven products to four outputs.
template <typename U>
INLINE void from_wide(const U *m, int s, U *y, int to) {
    const U *odd = m + 4 * s, *next = m + 8 * s;
    const U shared0 = (odd[0] + odd[s]) + odd[2 * s], shared1 = (odd[s] - odd[2 * s]) + odd[3 * s];
    y[0] = ((m[0] + m[s]) + m[2 * s]) + shared0;
    y[to] = shared0 + (next[0] + next[s]);
    y[2 * to] = ((m[s] - m[2 * s]) + m[3 * s]) + shared1;
    y[3 * to] = shared1 + (next[s] + next[2 * s]);
}

// Five taps to their eleven factors.
template <typename U>
INLINE void filter_to_wide(const U *g, int s, U *u, int to) {
    const U g0 = g[0], g1 = g[s], g2 = g[2 * s], g3 = g[3 * s], g4 = g[4 * s], first = g0 + g1, second = g2 + g3;
    u[0] = g0;
    u[to] = (g0 + g2 + g4) * 0.5f;
    u[2 * to] = (g0 - g2 + g4) * 0.5f;
    u[3 * to] = g4;
    u[4 * to] = first;
    u[5 * to] = (first + second + g4) * 0.5f;
    u[6 * to] = (first - second + g4) * 0.5f;
    u[7 * to] = g4;
    u[8 * to] = g1;
    u[9 * to] = g1 + g3;
    u[10 * to] = g3;
}

// ------------------------------------------------------------------ eight products

// Eight inputs of a row to their values at the points.
template <typename U>
INLINE void to_points(const U *r, int s, U *t, int to) {
    const U r0 = r[0], r1 = r[s], r2 = r[2 * s], r3 = r[3 * s];
    const U r4 = r[4 * s], r5 = r[5 * s], r6 = r[6 * s], r7 = r[7 * s];
    t[0] = (r0 - r6) + (r4 - r2) * 5.25f;
    t[to] = (r7 - r1) + (r3 - r5) * 5.25f;
    const U even1 = (r2 + r6) - r4 * 4.25f, odd1 = (r1 + r5) - r3 * 4.25f;
    t[2 * to] = even1 + odd1;
    t[3 * to] = even1 - odd1;
    const U even2 = r6 + r2 * 0.25f - r4 * 1.25f, odd2 = r1 * 0.5f - r3 * 2.5f + r5 * 2.0f;
    t[4 * to] = even2 + odd2;
    t[5 * to] = even2 - odd2;
    const U even3 = r6 + (r2 - r4 * 1.25f) * 4.0f, odd3 = r1 * 2.0f - r3 * 2.5f + r5 * 0.5f;
    t[6 * to] = even3 + odd3;
    t[7 * to] = even3 - odd3;
}

// The transpose of `to_points`: the gradient of the values to the gradient of the inputs.
template <typename U>
INLINE void to_points_back(const U *t, int s, U *r, int to) {
    const U zero = t[0], top = t[s];
    const U s1 = t[2 * s] + t[3 * s], d1 = t[2 * s] - t[3 * s], s2 = t[4 * s] + t[5 * s], d2 = t[4 * s] - t[5 * s];
    const U s3 = t[6 * s] + t[7 * s], d3 = t[6 * s] - t[7 * s], flat = d2 + d3;
    r[0] = zero;
    r[to] = (d1 - top) + d2 * 0.5f + d3 * 2.0f;
    r[2 * to] = s1 - zero * 5.25f + s2 * 0.25f + s3 * 4.0f;
    r[3 * to] = top * 5.25f - d1 * 4.25f - flat * 2.5f;
    r[4 * to] = zero * 5.25f - s1 * 4.25f - s2 * 1.25f - s3 * 5.0f;
    r[5 * to] = d1 - top * 5.25f + d2 * 2.0f + d3 * 0.5f;
    r[6 * to] = (s1 - zero) + (s2 + s3);
    r[7 * to] = top;
}

// Gradients of four outputs to those of the products at the pair of points `PAIR`: 0 and infinity, +-1, +-2, +-1/2.
template <int PAIR, typename U>
INLINE void outputs_to_points(U y0, U y1, U y2, U y3, U *m, int to) {
    const U even = PAIR == 1 ? y0 + y2 : PAIR == 2 ? y0 + y2 * 4.0f : y0 + y2 * 0.25f;
    const U odd = PAIR == 1 ? y1 + y3 : PAIR == 2 ? y1 * 2.0f + y3 * 8.0f : y1 * 0.5f + y3 * 0.125f;
    m[0] = PAIR == 0 ? y0 : even + odd;
    m[to] = PAIR == 0 ? y3 : even - odd;
}

// Five taps to the filter's values at the points.
template <typename U>
INLINE void filter_to_points(const U *g, int s, U *u, int to) {
    const U g0 = g[0], g1 = g[s], g2 = g[2 * s], g3 = g[3 * s], g4 = g[4 * s];
    const U even1 = (g0 + g2 + g4) * ONE, odd1 = (g1 + g3) * ONE;
    const U even2 = (g0 + g2 * 4.0f + g4 * 16.0f) * TWO, odd2 = (g1 * 2.0f + g3 * 8.0f) * TWO;
    const U even3 = (g0 + g2 * 0.25f + g4 * 0.0625f) * HALF, odd3 = (g1 * 0.5f + g3 * 0.125f) * HALF;
    u[0] = g0;
    u[to] = g4;
    u[2 * to] = even1 + odd1;
    u[3 * to] = even1 - odd1;
    u[4 * to] = even2 + odd2;
    u[5 * to] = even2 - odd2;
    u[6 * to] = even3 + odd3;
    u[7 * to] = even3 - odd3;
}

// The transpose of `filter_to_points`: the gradient of the values to the gradient of the taps.
template <typename U>
INLINE void filter_to_points_back(const U *u, int s, U *g, int to) {
    const U s1 = (u[2 * s] + u[3 * s]) * ONE, d1 = (u[2 * s] - u[3 * s]) * ONE;
    const U s2 = (u[4 * s] + u[5 * s]) * TWO, d2 = (u[4 * s] - u[5 * s]) * TWO;
    const U s3 = (u[6 * s] + u[7 * s]) * HALF, d3 = (u[6 * s] - u[7 * s]) * HALF;
    g[0] = u[0] + s1 + s2 + s3;
    g[to] = d1 + d2 * 2.0f + d3 * 0.5f;
    g[2 * to] = s1 + s2 * 4.0f + s3 * 0.25f;
    g[3 * to] = d1 + d2 * 8.0f + d3 * 0.125f;
    g[4 * to] = s1 + s2 * 16.0f + s3 * 0.0625f + u[s];
}
