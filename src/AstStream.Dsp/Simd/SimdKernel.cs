namespace AstStream.Dsp.Simd;

/// <summary>The instruction sets that the fast kernels are compiled for. Every one can be forced, for tests and for doubt.</summary>
public enum SimdKernel
{
    /// <summary>Plain floats, one at a time: the reference of the others.</summary>
    Scalar,

    /// <summary>The portable four-lane Vector128: SSE on x64, NEON on ARM64.</summary>
    Vector128,

    /// <summary>AVX2 with FMA, eight lanes.</summary>
    Avx2,

    /// <summary>AVX-512F, sixteen lanes.</summary>
    Avx512,
}
