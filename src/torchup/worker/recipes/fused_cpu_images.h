// Sixteen images side by side, for AVX-512. Included by fused_cpu.cpp, inside its namespace.

// What lenet.normalised computes for a byte: x / 255, rounded as a division rounds it, then (x - 1/2) / (1/2).
INLINE V normalised(__m512i byte) {
    const __m512 x = _mm512_cvtepi32_ps(byte), inverse = _mm512_set1_ps(1.0f / 255);
    const __m512 near = _mm512_mul_ps(x, inverse), rest = _mm512_fnmadd_ps(near, _mm512_set1_ps(255.0f), x);
    const __m512 share = _mm512_fmadd_ps(rest, inverse, near);
    return (V)_mm512_fmadd_ps(share, _mm512_set1_ps(2.0f), _mm512_set1_ps(-1.0f));
}

// Whether the table is that function, bit for bit: computing a value takes a seventh of the time of gathering it.
bool is_normalised(const float *table) {
    for (int byte = 0; byte < 256; ++byte)
        if (normalised(_mm512_set1_epi32(byte))[0] != table[byte]) return false;
    return true;
}

// Bytes `at` to `at + 15` of every fourth image from `image` on, one image a quarter.
INLINE __m512i every_fourth(const uint8_t *const *image, int at) {
    auto quarter = [&](int k) { return _mm_loadu_si128(reinterpret_cast<const __m128i *>(image[4 * k] + at)); };
    const __m512i first = _mm512_castsi128_si512(quarter(0));
    const __m512i half = _mm512_inserti32x4(first, quarter(1), 1);
    return _mm512_inserti32x4(_mm512_inserti32x4(half, quarter(2), 2), quarter(3), 3);
}

// Sixteen bytes of each image to sixteen vectors: words are transposed, then each has its four bytes taken out.
template <typename Value>
INLINE void sixteen_pixels(const uint8_t *const *image, int at, V *out, Value value) {
    const __m512i a = every_fourth(image, at), b = every_fourth(image + 1, at);
    const __m512i c = every_fourth(image + 2, at), d = every_fourth(image + 3, at);
    const __m512i ab = _mm512_unpacklo_epi32(a, b), cd = _mm512_unpacklo_epi32(c, d);
    const __m512i ab2 = _mm512_unpackhi_epi32(a, b), cd2 = _mm512_unpackhi_epi32(c, d);
    const __m512i words[4] = {_mm512_unpacklo_epi64(ab, cd), _mm512_unpackhi_epi64(ab, cd),
                              _mm512_unpacklo_epi64(ab2, cd2), _mm512_unpackhi_epi64(ab2, cd2)};
    UNROLL for (int k = 0; k < 16; ++k)
        out[k] = value(_mm512_and_si512(_mm512_srli_epi32(words[k / 4], k % 4 * 8), _mm512_set1_epi32(255)));
}

void sixteen_images(const uint8_t *images, const int64_t *order, const float *table, bool computed, V *out) {
    const uint8_t *image[L];
    for (int lane = 0; lane < L; ++lane) image[lane] = images + order[lane] * (IN * IN);
    static_assert(IN * IN % 16 == 0, "no bytes are left over");
    for (int at = 0; at < IN * IN; at += 16)
        if (computed)
            sixteen_pixels(image, at, out + at, normalised);
        else
            sixteen_pixels(image, at, out + at, [&](__m512i byte) { return (V)_mm512_i32gather_ps(byte, table, 4); });
}
