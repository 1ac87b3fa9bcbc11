// Movement between the lanes of vectors, for AVX-512. Included by fused_cpu.cpp, inside its namespace.

// Four vectors to one whose quarter k holds, in four neighbouring lanes, the sums of their quarters k.
INLINE V sum_quarters(const V *v) {
    const __m512 a = (__m512)v[0], b = (__m512)v[1], c = (__m512)v[2], d = (__m512)v[3];
    const V ab = (V)_mm512_unpacklo_ps(a, b) + (V)_mm512_unpackhi_ps(a, b);
    const V cd = (V)_mm512_unpacklo_ps(c, d) + (V)_mm512_unpackhi_ps(c, d);
    return (V)_mm512_unpacklo_pd((__m512d)ab, (__m512d)cd) + (V)_mm512_unpackhi_pd((__m512d)ab, (__m512d)cd);
}

// Four results of `sum_quarters` to one vector: the sums over all lanes of the sixteen vectors that they came from.
INLINE V join_quarters(const V *v) {
    const __m512 a = (__m512)v[0], b = (__m512)v[1], c = (__m512)v[2], d = (__m512)v[3];
    const __m512 ab = (__m512)((V)_mm512_shuffle_f32x4(a, b, 0x44) + (V)_mm512_shuffle_f32x4(a, b, 0xee));
    const __m512 cd = (__m512)((V)_mm512_shuffle_f32x4(c, d, 0x44) + (V)_mm512_shuffle_f32x4(c, d, 0xee));
    return (V)_mm512_shuffle_f32x4(ab, cd, 0x88) + (V)_mm512_shuffle_f32x4(ab, cd, 0xdd);
}

INLINE float lane_sum(V v) { return _mm512_reduce_add_ps((__m512)v); }

// The largest of four positions, plus bias, through ReLU; `winner` is its number, -1 where ReLU lets nothing through.
INLINE void pool(const V *sum, float bias, V *out, VI *winner) {
    __m512 best = (__m512)sum[0];
    __m512i which = _mm512_setzero_si512();
    UNROLL for (int q = 1; q < 4; ++q) {
        const __mmask16 more = _mm512_cmp_ps_mask((__m512)sum[q], best, _CMP_GT_OQ);
        best = _mm512_mask_mov_ps(best, more, (__m512)sum[q]);
        which = _mm512_mask_mov_epi32(which, more, _mm512_set1_epi32(q));
    }
    best = _mm512_add_ps(best, _mm512_set1_ps(bias));
    const __mmask16 positive = _mm512_cmp_ps_mask(best, _mm512_setzero_ps(), _CMP_GT_OQ);
    *out = (V)_mm512_maskz_mov_ps(positive, best);
    *winner = (VI)_mm512_mask_mov_epi32(_mm512_set1_epi32(-1), positive, which);
}
