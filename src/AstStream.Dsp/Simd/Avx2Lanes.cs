using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace AstStream.Dsp.Simd;

/// <summary>Eight lanes: AVX2 with FMA.</summary>
internal readonly unsafe struct Avx2Lanes(Vector256<float> v) : ILanes<Avx2Lanes>
{
    private readonly Vector256<float> _v = v;

    public static int Count => 8;

    public static int RowWidth => 8;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Avx2Lanes Load(float* p) => new(Vector256.Load(p));

    public static Avx2Lanes LoadHalf(float* p) => throw new NotSupportedException();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Avx2Lanes Broadcast(float x) => new(Vector256.Create(x));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Avx2Lanes operator +(Avx2Lanes a, Avx2Lanes b) => new(a._v + b._v);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Avx2Lanes operator -(Avx2Lanes a, Avx2Lanes b) => new(a._v - b._v);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Avx2Lanes operator *(Avx2Lanes a, Avx2Lanes b) => new(a._v * b._v);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Avx2Lanes MultiplyAdd(Avx2Lanes a, Avx2Lanes b, Avx2Lanes c) => new(Fma.MultiplyAdd(a._v, b._v, c._v));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Avx2Lanes NegateMultiplyAdd(Avx2Lanes a, Avx2Lanes b, Avx2Lanes c) => new(Fma.MultiplyAddNegated(a._v, b._v, c._v));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Avx2Lanes Max(Avx2Lanes a, Avx2Lanes b) => new(Vector256.Max(a._v, b._v));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Avx2Lanes Log(Avx2Lanes a) => new(Vector256.Log(a._v));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Avx2Lanes Reverse(Avx2Lanes a) => new(Avx2.PermuteVar8x32(a._v, Vector256.Create(7, 6, 5, 4, 3, 2, 1, 0)));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Sum(Avx2Lanes a) => Vector256.Sum(a._v);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void DotRows(float* x, int* starts, float* weights, int blocks, float* result)
    {
        Vector256<float> s0, s1, s2, s3, s4, s5, s6, s7;
        s0 = Vector256.Load(x + starts[0]) * Vector256.Load(weights);
        s1 = Vector256.Load(x + starts[1]) * Vector256.Load(weights + 8);
        s2 = Vector256.Load(x + starts[2]) * Vector256.Load(weights + 16);
        s3 = Vector256.Load(x + starts[3]) * Vector256.Load(weights + 24);
        s4 = Vector256.Load(x + starts[4]) * Vector256.Load(weights + 32);
        s5 = Vector256.Load(x + starts[5]) * Vector256.Load(weights + 40);
        s6 = Vector256.Load(x + starts[6]) * Vector256.Load(weights + 48);
        s7 = Vector256.Load(x + starts[7]) * Vector256.Load(weights + 56);
        for (var b = 1; b < blocks; b++)
        {
            weights += 64;
            x += 8;
            s0 = Fma.MultiplyAdd(Vector256.Load(x + starts[0]), Vector256.Load(weights), s0);
            s1 = Fma.MultiplyAdd(Vector256.Load(x + starts[1]), Vector256.Load(weights + 8), s1);
            s2 = Fma.MultiplyAdd(Vector256.Load(x + starts[2]), Vector256.Load(weights + 16), s2);
            s3 = Fma.MultiplyAdd(Vector256.Load(x + starts[3]), Vector256.Load(weights + 24), s3);
            s4 = Fma.MultiplyAdd(Vector256.Load(x + starts[4]), Vector256.Load(weights + 32), s4);
            s5 = Fma.MultiplyAdd(Vector256.Load(x + starts[5]), Vector256.Load(weights + 40), s5);
            s6 = Fma.MultiplyAdd(Vector256.Load(x + starts[6]), Vector256.Load(weights + 48), s6);
            s7 = Fma.MultiplyAdd(Vector256.Load(x + starts[7]), Vector256.Load(weights + 56), s7);
        }

        // Three rounds of pairwise adds leave four partial sums of each row in either half; the halves are added last.
        var t0 = Avx.HorizontalAdd(Avx.HorizontalAdd(s0, s1), Avx.HorizontalAdd(s2, s3));
        var t1 = Avx.HorizontalAdd(Avx.HorizontalAdd(s4, s5), Avx.HorizontalAdd(s6, s7));
        (Avx.Permute2x128(t0, t1, 0x20) + Avx.Permute2x128(t0, t1, 0x31)).Store(result);
    }

    public static void Transpose16(float* src, float* dst)
    {
        for (var i = 0; i < 16; i += 8)
            for (var j = 0; j < 16; j += 8)
                Transpose8(src + (16 * i) + j, dst + (16 * j) + i);
    }

    public static void Deinterleave(float* src, float* even, float* odd, int pairs)
    {
        var i = 0;
        for (; i <= pairs - 8; i += 8)
        {
            var a = Vector256.Load(src + (2 * i));
            var b = Vector256.Load(src + (2 * i) + 8);
            Avx2.Permute4x64(Avx.Shuffle(a, b, 0x88).AsDouble(), 0xD8).AsSingle().Store(even + i);
            Avx2.Permute4x64(Avx.Shuffle(a, b, 0xDD).AsDouble(), 0xD8).AsSingle().Store(odd + i);
        }

        ScalarLanes.Deinterleave(src + (2 * i), even + i, odd + i, pairs - i);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Store(float* p) => _v.Store(p);

    /// <summary>One 8×8 block, row stride 16: pairs, then quads, then halves.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Transpose8(float* src, float* dst)
    {
        var r0 = Vector256.Load(src);
        var r1 = Vector256.Load(src + 16);
        var r2 = Vector256.Load(src + 32);
        var r3 = Vector256.Load(src + 48);
        var r4 = Vector256.Load(src + 64);
        var r5 = Vector256.Load(src + 80);
        var r6 = Vector256.Load(src + 96);
        var r7 = Vector256.Load(src + 112);
        var t0 = Avx.UnpackLow(r0, r1);
        var t1 = Avx.UnpackHigh(r0, r1);
        var t2 = Avx.UnpackLow(r2, r3);
        var t3 = Avx.UnpackHigh(r2, r3);
        var t4 = Avx.UnpackLow(r4, r5);
        var t5 = Avx.UnpackHigh(r4, r5);
        var t6 = Avx.UnpackLow(r6, r7);
        var t7 = Avx.UnpackHigh(r6, r7);
        r0 = Avx.Shuffle(t0, t2, 0x44);
        r1 = Avx.Shuffle(t0, t2, 0xEE);
        r2 = Avx.Shuffle(t1, t3, 0x44);
        r3 = Avx.Shuffle(t1, t3, 0xEE);
        r4 = Avx.Shuffle(t4, t6, 0x44);
        r5 = Avx.Shuffle(t4, t6, 0xEE);
        r6 = Avx.Shuffle(t5, t7, 0x44);
        r7 = Avx.Shuffle(t5, t7, 0xEE);
        Avx.Permute2x128(r0, r4, 0x20).Store(dst);
        Avx.Permute2x128(r1, r5, 0x20).Store(dst + 16);
        Avx.Permute2x128(r2, r6, 0x20).Store(dst + 32);
        Avx.Permute2x128(r3, r7, 0x20).Store(dst + 48);
        Avx.Permute2x128(r0, r4, 0x31).Store(dst + 64);
        Avx.Permute2x128(r1, r5, 0x31).Store(dst + 80);
        Avx.Permute2x128(r2, r6, 0x31).Store(dst + 96);
        Avx.Permute2x128(r3, r7, 0x31).Store(dst + 112);
    }
}
