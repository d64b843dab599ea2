namespace AstStream.Dsp.Simd;

/// <summary>
/// A register of float lanes. The algorithms are written once over this interface and compiled by the JIT for each
/// width, so that every named kernel runs the same steps and the scalar one (a single lane) is the check of the others.
/// </summary>
internal unsafe interface ILanes<T>
    where T : unmanaged, ILanes<T>
{
    /// <summary>Lanes in the register: 16, 8, 4 or 1.</summary>
    static abstract int Count { get; }

    /// <summary>Length of one piece of a row in <see cref="DotRows"/>: rows are padded with zeros to a multiple of it.</summary>
    static abstract int RowWidth { get; }

    static abstract T Load(float* p);

    /// <summary>
    /// The first half of the lanes from memory, the rest zero. Only for 16 lanes: a plane of 200 samples is a whole number of the narrower
    /// ones.
    /// </summary>
    static abstract T LoadHalf(float* p);

    static abstract T Broadcast(float x);

    static abstract T operator +(T a, T b);

    static abstract T operator -(T a, T b);

    static abstract T operator *(T a, T b);

    /// <summary>a·b + c.</summary>
    static abstract T MultiplyAdd(T a, T b, T c);

    /// <summary>c - a·b.</summary>
    static abstract T NegateMultiplyAdd(T a, T b, T c);

    static abstract T Max(T a, T b);

    static abstract T Log(T a);

    static abstract T Reverse(T a);

    static abstract float Sum(T a);

    /// <summary>
    /// <see cref="RowWidth"/> dot products at once: result r is the sum over i below blocks·RowWidth of
    /// x[starts[r] + i] times row r's weight, where weights are laid out [block][row][RowWidth].
    /// </summary>
    static abstract void DotRows(float* x, int* starts, float* weights, int blocks, float* result);

    /// <summary>dst = transpose of src, both 16×16, row-major.</summary>
    static abstract void Transpose16(float* src, float* dst);

    /// <summary>Splits pairs of samples into even and odd ones; handles any count.</summary>
    static abstract void Deinterleave(float* src, float* even, float* odd, int pairs);

    void Store(float* p);
}
