using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace AstStream.Dsp.Simd;

/// <summary>Which kernels this machine can run, and which one is taken when none is named.</summary>
public static class SimdKernels
{
    /// <summary>The environment variable that forces a kernel by name: scalar, vector128, avx2 or avx512.</summary>
    public const string Variable = "ASTSTREAM_SIMD";

    private static readonly Lazy<SimdKernel> s_default = new(() => Choose(Environment.GetEnvironmentVariable(Variable)));

    /// <summary>The fastest kernel of this machine, or the one that <see cref="Variable"/> names.</summary>
    /// <exception cref="NotSupportedException">The variable names an unknown kernel or one that this processor lacks.</exception>
    public static SimdKernel Default => s_default.Value;

    /// <summary>All kernels that this processor can run, slowest first.</summary>
    public static IReadOnlyList<SimdKernel> Supported { get; } = [.. Enum.GetValues<SimdKernel>().Where(IsSupported)];

    /// <summary>Whether this processor can run a kernel.</summary>
    public static bool IsSupported(SimdKernel kernel) => kernel switch
    {
        SimdKernel.Scalar => true,
        SimdKernel.Vector128 => System.Runtime.Intrinsics.Vector128.IsHardwareAccelerated,
        SimdKernel.Avx2 => System.Runtime.Intrinsics.X86.Avx2.IsSupported && Fma.IsSupported,
        SimdKernel.Avx512 => Avx512F.IsSupported && IsSupported(SimdKernel.Avx2),
        _ => false,
    };

    internal static SimdKernel Choose(string? name)
    {
        if (string.IsNullOrEmpty(name))
        {
            // Where wide registers lower the clock, .NET says that Vector512 is not accelerated: AVX2 is then the better one.
            return IsSupported(SimdKernel.Avx512) && Vector512.IsHardwareAccelerated
                ? SimdKernel.Avx512
                : Supported.Last(k => k != SimdKernel.Avx512);
        }

        if (!Enum.TryParse<SimdKernel>(name, ignoreCase: true, out var kernel) || !Enum.IsDefined(kernel))
            throw new NotSupportedException(
                $"{Variable}={name}: unknown kernel; expected one of {string.Join(", ", Supported).ToLowerInvariant()}");
        if (!IsSupported(kernel))
            throw new NotSupportedException(
                $"{Variable}={name}: this processor can't run it; it can run {string.Join(", ", Supported).ToLowerInvariant()}");
        return kernel;
    }
}
