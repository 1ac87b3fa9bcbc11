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

// Sixteen vectors, `stride` apart, to sixteen rows: lane k of vector i becomes element i of row k.
INLINE void transpose(const V *in, int stride, float *out, int row) {
    V a[16], b[16];
    UNROLL for (int i = 0; i < 16; i += 2) {  // pairs of elements of two vectors
        const __m512 x = (__m512)in[i * stride], y = (__m512)in[(i + 1) * stride];
        a[i] = (V)_mm512_unpacklo_ps(x, y);
        a[i + 1] = (V)_mm512_unpackhi_ps(x, y);
    }
    UNROLL for (int i = 0; i < 16; i += 4) UNROLL for (int k = 0; k < 2; ++k) {  // quarters: four elements of a lane
        const __m512d x = (__m512d)a[i + k], y = (__m512d)a[i + 2 + k];
        b[i + 2 * k] = (V)_mm512_unpacklo_pd(x, y);
        b[i + 2 * k + 1] = (V)_mm512_unpackhi_pd(x, y);
    }
    UNROLL for (int k = 0; k < 4; ++k) {  // lane 4 q + k is quarter q of the four vectors b[k], b[4 + k], ...
        const __m512 w = (__m512)b[k], x = (__m512)b[4 + k], y = (__m512)b[8 + k], z = (__m512)b[12 + k];
        const __m512 wx = _mm512_shuffle_f32x4(w, x, 0x44), wx2 = _mm512_shuffle_f32x4(w, x, 0xee);
        const __m512 yz = _mm512_shuffle_f32x4(y, z, 0x44), yz2 = _mm512_shuffle_f32x4(y, z, 0xee);
        _mm512_storeu_ps(out + k * row, _mm512_shuffle_f32x4(wx, yz, 0x88));
        _mm512_storeu_ps(out + (4 + k) * row, _mm512_shuffle_f32x4(wx, yz, 0xdd));
        _mm512_storeu_ps(out + (8 + k) * row, _mm512_shuffle_f32x4(wx2, yz2, 0x88));
        _mm512_storeu_ps(out + (12 + k) * row, _mm512_shuffle_f32x4(wx2, yz2, 0xdd));
    }
}
