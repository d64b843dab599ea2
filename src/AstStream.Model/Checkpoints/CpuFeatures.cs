using System.Runtime.Intrinsics.X86;

namespace AstStream.Model.Checkpoints;

/// <summary>What .NET's own feature flags do not tell of the processor.</summary>
internal static class CpuFeatures
{
    /// <summary>Whether it multiplies bytes into 32-bit sums without saturation (AVX512_VNNI or AVX-VNNI).</summary>
    /// <remarks>Avx512F.IsSupported says besides that the system saves the wide registers.</remarks>
    public static bool HasVnni { get; } = AvxVnni.IsSupported || (Avx512F.IsSupported && (X86Base.CpuId(7, 0).Ecx & (1 << 11)) != 0);
}
