using System.Runtime.CompilerServices;

namespace AstStream.Dsp.Simd;

/// <summary>One lane: plain floats, the reference that the wider kernels are tested against.</summary>
internal readonly unsafe struct ScalarLanes(float v) : ILanes<ScalarLanes>
{
    private readonly float _v = v;

    public static int Count => 1;

    public static int RowWidth => 1;

    public static ScalarLanes Load(float* p) => new(*p);

    public static ScalarLanes LoadHalf(float* p) => throw new NotSupportedException();

    public static ScalarLanes Broadcast(float x) => new(x);

    public static ScalarLanes operator +(ScalarLanes a, ScalarLanes b) => new(a._v + b._v);

    public static ScalarLanes operator -(ScalarLanes a, ScalarLanes b) => new(a._v - b._v);

    public static ScalarLanes operator *(ScalarLanes a, ScalarLanes b) => new(a._v * b._v);

    public static ScalarLanes MultiplyAdd(ScalarLanes a, ScalarLanes b, ScalarLanes c) => new((a._v * b._v) + c._v);

    public static ScalarLanes NegateMultiplyAdd(ScalarLanes a, ScalarLanes b, ScalarLanes c) => new(c._v - (a._v * b._v));

    public static ScalarLanes Max(ScalarLanes a, ScalarLanes b) => new(MathF.Max(a._v, b._v));

    public static ScalarLanes Log(ScalarLanes a) => new(MathF.Log(a._v));

    public static ScalarLanes Reverse(ScalarLanes a) => a;

    public static float Sum(ScalarLanes a) => a._v;

    public static void DotRows(float* x, int* starts, float* weights, int blocks, float* result)
    {
        float sum = 0;
        for (var i = 0; i < blocks; i++)
            sum += x[starts[0] + i] * weights[i];
        *result = sum;
    }

    public static void Transpose16(float* src, float* dst)
    {
        for (var i = 0; i < 16; i++)
            for (var j = 0; j < 16; j++)
                dst[(j * 16) + i] = src[(i * 16) + j];
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Deinterleave(float* src, float* even, float* odd, int pairs)
    {
        for (var i = 0; i < pairs; i++)
        {
            even[i] = src[2 * i];
            odd[i] = src[(2 * i) + 1];
        }
    }

    public void Store(float* p) => *p = _v;
}
