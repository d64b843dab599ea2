using System.Text.RegularExpressions;

namespace AstStream.Model.Runtime;

/// <summary>What ONNX Runtime says of a failure of CUDA, without its own source files and expressions.</summary>
internal static partial class CudaErrors
{
    private const string NoDevice = "100";

    /// <summary>The message on one line; of a failure of CUDA its number and its words alone.</summary>
    public static string Said(string message)
    {
        var failure = Failure().Match(message);
        if (!failure.Success)
            return message.ReplaceLineEndings(" ");
        var (number, words) = (failure.Groups["number"].Value, failure.Groups["words"].Value);
        return number == NoDevice
            ? "CUDA finds no device: nvidia-smi lists those that the driver sees, CUDA_VISIBLE_DEVICES may hide them, and a container "
                + "must be given them"
            : $"CUDA error {number}: {words}";
    }

    [GeneratedRegex(@"CUDA failure (?<number>\d+): (?<words>[^;]+?) ;")]
    private static partial Regex Failure();
}
