using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace AstStream.Dsp.Simd;

/// <summary>Sixteen lanes: AVX-512F.</summary>
internal readonly unsafe struct Avx512Lanes(Vector512<float> v) : ILanes<Avx512Lanes>
{
    private readonly Vector512<float> _v = v;

    public static int Count => 16;

    // Mel triangles are at most a dozen bins long: eight-lane rows waste less than sixteen-lane ones.
    public static int RowWidth => Avx2Lanes.RowWidth;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Avx512Lanes Load(float* p) => new(Vector512.Load(p));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Avx512Lanes LoadHalf(float* p) => new(Vector512.Create(Vector256.Load(p), Vector256<float>.Zero));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Avx512Lanes Broadcast(float x) => new(Vector512.Create(x));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Avx512Lanes operator +(Avx512Lanes a, Avx512Lanes b) => new(a._v + b._v);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Avx512Lanes operator -(Avx512Lanes a, Avx512Lanes b) => new(a._v - b._v);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Avx512Lanes operator *(Avx512Lanes a, Avx512Lanes b) => new(a._v * b._v);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Avx512Lanes MultiplyAdd(Avx512Lanes a, Avx512Lanes b, Avx512Lanes c) => new(Avx512F.FusedMultiplyAdd(a._v, b._v, c._v));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Avx512Lanes NegateMultiplyAdd(Avx512Lanes a, Avx512Lanes b, Avx512Lanes c) => new(Avx512F.FusedMultiplyAddNegated(a._v, b._v, c._v));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Avx512Lanes Max(Avx512Lanes a, Avx512Lanes b) => new(Vector512.Max(a._v, b._v));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Avx512Lanes Log(Avx512Lanes a) => new(Vector512.Log(a._v));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Avx512Lanes Reverse(Avx512Lanes a) =>
        new(Avx512F.PermuteVar16x32(a._v, Vector512.Create(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0)));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Sum(Avx512Lanes a) => Vector512.Sum(a._v);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void DotRows(float* x, int* starts, float* weights, int blocks, float* result) =>
        Avx2Lanes.DotRows(x, starts, weights, blocks, result);

    public static void Transpose16(float* src, float* dst) => Avx2Lanes.Transpose16(src, dst);

    public static void Deinterleave(float* src, float* even, float* odd, int pairs)
    {
        var evens = Vector512.Create(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
        var odds = evens + Vector512<int>.One;
        var i = 0;
        for (; i <= pairs - 16; i += 16)
        {
            var a = Vector512.Load(src + (2 * i));
            var b = Vector512.Load(src + (2 * i) + 16);
            Avx512F.PermuteVar16x32x2(a, evens, b).Store(even + i);
            Avx512F.PermuteVar16x32x2(a, odds, b).Store(odd + i);
        }

        ScalarLanes.Deinterleave(src + (2 * i), even + i, odd + i, pairs - i);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Store(float* p) => _v.Store(p);
}
