using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace AstStream.Dsp.Simd;

/// <summary>Four lanes through the portable Vector128: SSE on x64, NEON on ARM64.</summary>
internal readonly unsafe struct Vector128Lanes(Vector128<float> v) : ILanes<Vector128Lanes>
{
    private readonly Vector128<float> _v = v;

    public static int Count => 4;

    public static int RowWidth => 4;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128Lanes Load(float* p) => new(Vector128.Load(p));

    public static Vector128Lanes LoadHalf(float* p) => throw new NotSupportedException();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128Lanes Broadcast(float x) => new(Vector128.Create(x));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128Lanes operator +(Vector128Lanes a, Vector128Lanes b) => new(a._v + b._v);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128Lanes operator -(Vector128Lanes a, Vector128Lanes b) => new(a._v - b._v);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128Lanes operator *(Vector128Lanes a, Vector128Lanes b) => new(a._v * b._v);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128Lanes MultiplyAdd(Vector128Lanes a, Vector128Lanes b, Vector128Lanes c) => new((a._v * b._v) + c._v);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128Lanes NegateMultiplyAdd(Vector128Lanes a, Vector128Lanes b, Vector128Lanes c) => new(c._v - (a._v * b._v));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128Lanes Max(Vector128Lanes a, Vector128Lanes b) => new(Vector128.Max(a._v, b._v));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128Lanes Log(Vector128Lanes a) => new(Vector128.Log(a._v));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128Lanes Reverse(Vector128Lanes a) => new(Vector128.Shuffle(a._v, Vector128.Create(3, 2, 1, 0)));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Sum(Vector128Lanes a) => Vector128.Sum(a._v);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void DotRows(float* x, int* starts, float* weights, int blocks, float* result)
    {
        for (var r = 0; r < 4; r++)
        {
            var sum = Vector128<float>.Zero;
            for (var b = 0; b < blocks; b++)
                sum += Vector128.Load(x + starts[r] + (4 * b)) * Vector128.Load(weights + (16 * b) + (4 * r));
            result[r] = Vector128.Sum(sum);
        }
    }

    public static void Transpose16(float* src, float* dst) => ScalarLanes.Transpose16(src, dst);

    public static void Deinterleave(float* src, float* even, float* odd, int pairs) => ScalarLanes.Deinterleave(src, even, odd, pairs);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Store(float* p) => _v.Store(p);
}
