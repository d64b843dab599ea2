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
    public static Avx512Lanes NegateMultiplyAdd(Avx512Lanes a, Avx512Lanes b, Avx512Lanes c) =>
        new(Avx512F.FusedMultiplyAddNegated(a._v, b._v, c._v));

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

    public static void Transpose16(float* src, float* dst)
    {
        // Whole registers throughout: eight-lane stores would make the sixteen-lane loads that follow wait for them.
        // Four rows at a time become 4×4 blocks in the quarters of four registers; then quarters are exchanged.
        Quad(src, out var a0, out var a1, out var a2, out var a3);
        Quad(src + 64, out var b0, out var b1, out var b2, out var b3);
        Quad(src + 128, out var c0, out var c1, out var c2, out var c3);
        Quad(src + 192, out var d0, out var d1, out var d2, out var d3);
        Exchange(a0, b0, c0, d0, dst);
        Exchange(a1, b1, c1, d1, dst + 16);
        Exchange(a2, b2, c2, d2, dst + 32);
        Exchange(a3, b3, c3, d3, dst + 48);
    }

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

    /// <summary>Four rows: quarter q of register c gets column 4·q + c of them.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Quad(float* s, out Vector512<float> q0, out Vector512<float> q1, out Vector512<float> q2, out Vector512<float> q3)
    {
        Vector512<float> r0 = Vector512.Load(s), r1 = Vector512.Load(s + 16), r2 = Vector512.Load(s + 32), r3 = Vector512.Load(s + 48);
        var low01 = Avx512F.UnpackLow(r0, r1).AsDouble();
        var high01 = Avx512F.UnpackHigh(r0, r1).AsDouble();
        var low23 = Avx512F.UnpackLow(r2, r3).AsDouble();
        var high23 = Avx512F.UnpackHigh(r2, r3).AsDouble();
        q0 = Avx512F.UnpackLow(low01, low23).AsSingle();
        q1 = Avx512F.UnpackHigh(low01, low23).AsSingle();
        q2 = Avx512F.UnpackLow(high01, high23).AsSingle();
        q3 = Avx512F.UnpackHigh(high01, high23).AsSingle();
    }

    /// <summary>Stores quarter q of the four registers as row 4·q.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Exchange(Vector512<float> a, Vector512<float> b, Vector512<float> c, Vector512<float> d, float* dst)
    {
        var evenAb = Avx512F.Shuffle4x128(a, b, 0x88); // a0 a2 b0 b2
        var evenCd = Avx512F.Shuffle4x128(c, d, 0x88);
        var oddAb = Avx512F.Shuffle4x128(a, b, 0xDD); // a1 a3 b1 b3
        var oddCd = Avx512F.Shuffle4x128(c, d, 0xDD);
        Avx512F.Shuffle4x128(evenAb, evenCd, 0x88).Store(dst);
        Avx512F.Shuffle4x128(oddAb, oddCd, 0x88).Store(dst + 64);
        Avx512F.Shuffle4x128(evenAb, evenCd, 0xDD).Store(dst + 128);
        Avx512F.Shuffle4x128(oddAb, oddCd, 0xDD).Store(dst + 192);
    }
}
