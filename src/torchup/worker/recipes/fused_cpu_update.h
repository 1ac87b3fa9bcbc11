// Phase B: gradients of the parameters over the whole batch, and their update. Included by fused_cpu.cpp, inside its
// namespace.

// Rows of torch's tensors lie at any multiple of four bytes; memcpy is how to say so, and becomes one instruction.
template <typename U>
INLINE U load(const float *from) {
    U value;
    std::memcpy(&value, from, sizeof value);
    return value;
}

template <typename U>
INLINE void update(float *w, float *m, U gradient, float rate, float momentum) {
    const U speed = load<U>(m) * momentum + gradient;
    const U moved = load<U>(w) - speed * rate;
    std::memcpy(m, &speed, sizeof speed);
    std::memcpy(w, &moved, sizeof moved);
}

struct Layer {  // a linear layer's update: gradients of its outputs and its inputs, sample-major; its parameters
    const float *d, *x;
    int outputs, inputs;
    float *w, *b, *mw, *mb;
};

// R rows x C vectors of a linear layer's weights from (o, i) on: gradient summed over the batch in registers, applied.
template <typename U, int R, int C>
INLINE void rows(const Run &run, const Layer &layer, int samples, int o, int i) {
    constexpr int WIDTH = sizeof(U) / sizeof(float);
    const int inputs = layer.inputs, x_row = padded(COLUMNS), d_row = padded(layer.outputs);
    const float *x = layer.x + i / COLUMNS * BLOCK_SIZE + i % COLUMNS, *d = layer.d + o;
    float *w = layer.w + o * inputs + i, *m = layer.mw + o * inputs + i;
    U sum[R][C];
    UNROLL for (int r = 0; r < R; ++r) UNROLL for (int c = 0; c < C; ++c) sum[r][c] = U{};
    for (int s = 0; s < samples; ++s, x += x_row, d += d_row) {
        U value[C];
        UNROLL for (int c = 0; c < C; ++c) {
            value[c] = load<U>(x + c * WIDTH);
            HOLD(value[c]);
        }
        UNROLL for (int r = 0; r < R; ++r) {
            const U factor = d[r] - U{};
            UNROLL for (int c = 0; c < C; ++c) sum[r][c] += factor * value[c];
        }
    }
    UNROLL for (int r = 0; r < R; ++r) UNROLL for (int c = 0; c < C; ++c)
        update(w + r * inputs + c * WIDTH, m + r * inputs + c * WIDTH, sum[r][c], run.rate, run.momentum);
}

// All tiles of C vectors that fit, each for this thread's blocks of rows: a tile of inputs stays in the first cache.
template <typename U, int C>
INLINE void columns(const Run &run, int thread, const Layer &layer, int samples, int &i) {
    constexpr int STEP = C * sizeof(U) / sizeof(float);
    const int halves = run.threads % 2 == 0 ? HALVES : 1, parts = run.threads / halves;
    for (; i + STEP <= layer.inputs; i += STEP) {
        if ((i / COLUMNS) % halves != thread % halves) continue;
        for (int o = 4 * (thread / halves); o < layer.outputs; o += 4 * parts)
            if (o + 4 <= layer.outputs)
                rows<U, 4, C>(run, layer, samples, o, i);
            else
                rows<U, 2, C>(run, layer, samples, o, i);  // 10 = 4 + 4 + 2
    }
}

// This thread's share of the biases, L at a time; what lies behind the last one is padding.
void bias_update(const Run &run, int thread, const Layer &layer, int samples) {
    for (int o = L * thread; o < layer.outputs; o += L * run.threads) {
        V total = V{};
        for (int s = 0; s < samples; ++s) total += load<V>(layer.d + s * padded(layer.outputs) + o);
        for (int k = 0; k < L && o + k < layer.outputs; ++k)
            update(layer.b + o + k, layer.mb + o + k, total[k], run.rate, run.momentum);
    }
}

void linear_update(const Run &run, int thread, const Layer &layer, int samples) {
    int i = 0;
#if defined(__AVX512F__)
    columns<V, 4>(run, thread, layer, samples, i);
    columns<V, 3>(run, thread, layer, samples, i);
    columns<V, 1>(run, thread, layer, samples, i);
#endif
    columns<U8, 3>(run, thread, layer, samples, i);
    columns<U8, 1>(run, thread, layer, samples, i);
    columns<U4, 1>(run, thread, layer, samples, i);
    bias_update(run, thread, layer, samples);
}

// Elements i to i + width(U) of the convolutions' gradients, summed over threads and lanes.
template <typename U>
INLINE U conv_sum(const Run &run, int i) {
#if defined(__AVX512F__)
    U sum = load<U>(run.scratch[0]->conv_gradient + i);
    for (int t = 1; t < run.threads; ++t) sum += load<U>(run.scratch[t]->conv_gradient + i);
    return sum;
#else
    V sum = run.scratch[0]->conv_gradient[i];
    for (int t = 1; t < run.threads; ++t) sum += run.scratch[t]->conv_gradient[i];
    float total = 0.0f;
    for (int lane = 0; lane < L; ++lane) total += sum[lane];
    return total;
#endif
}

// This thread's share of the convolutions' parameters, in whole cache lines.
void conv_update(const Run &run, int thread) {
    constexpr int sizes[4] = {W1_SIZE, C1, C2, W2_SIZE};
    float *const w[4] = {run.p.w1, run.p.b1, run.p.b2, run.p.w2}, *const m[4] = {run.m.w1, run.m.b1, run.m.b2, run.m.w2};
    for (int part = 0, at = 0; part < 4; at += sizes[part], ++part) {
        auto begin = [&](int t) { return t == run.threads ? sizes[part] : sizes[part] * t / run.threads / 16 * 16; };
        int i = begin(thread);
        const int end = begin(thread + 1);
#if defined(__AVX512F__)
        for (; i + L <= end; i += L)
            update(w[part] + i, m[part] + i, conv_sum<V>(run, at + i), run.rate, run.momentum);
#endif
        for (; i < end; ++i) update(w[part] + i, m[part] + i, conv_sum<float>(run, at + i), run.rate, run.momentum);
    }
}
