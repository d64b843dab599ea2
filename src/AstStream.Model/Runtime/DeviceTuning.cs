using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using AstStream.Model.Checkpoints;
using AstStream.Model.Onnx;
using Microsoft.ML.OnnxRuntime;

namespace AstStream.Model.Runtime;

/// <summary>
/// What was found out about a model on a GPU, kept with its graphs by the device's name and ONNX Runtime's version: the precision that its
/// parity bears, and the batch sizes that the device likes.
/// </summary>
/// <param name="Precision">The precision.</param>
/// <param name="BatchSizes">The sizes, ascending; empty where they were given and not looked for.</param>
internal sealed record DeviceTuning(ModelPrecision Precision, IReadOnlyList<int> BatchSizes)
{
    /// <summary>What is known; null where that is nothing, or can't be read.</summary>
    public static DeviceTuning? Read(AstCheckpoint checkpoint, AstSessionOptions options, ExecutionProvider provider)
    {
        try
        {
            var path = PathFor(checkpoint, options, provider);
            if (!File.Exists(path))
                return null;
            var tuning = JsonSerializer.Deserialize<DeviceTuning>(File.ReadAllBytes(path));
            return tuning is { BatchSizes: not null } && Enum.IsDefined(tuning.Precision) && tuning.Precision != ModelPrecision.Int8
                && tuning.BatchSizes.All(s => s is >= 1 and <= AstSessionOptions.MaxBatchSize) ? tuning : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or JsonException or CudaException or DllNotFoundException)
        {
            return null;
        }
    }

    /// <summary>Keeps it.</summary>
    public void Write(AstCheckpoint checkpoint, AstSessionOptions options, ExecutionProvider provider)
    {
        try
        {
            GraphCache.Store(checkpoint, PathFor(checkpoint, options, provider), JsonSerializer.SerializeToUtf8Bytes(this));
        }
        catch (Exception e) when (e is CacheException or CudaException or DllNotFoundException)
        {
            // It is found out again at the next start.
        }
    }

    private static string PathFor(AstCheckpoint checkpoint, AstSessionOptions options, ExecutionProvider provider)
    {
        var key = $"{CudaRuntime.DeviceName(options.DeviceId)} {OrtEnv.Instance().GetVersionString()} {provider} {options.Precision} "
            + $"{options.Attention} {options.PackQkv} {options.Tf32} {options.CudaGraph} {options.GpuMemoryLimit} {options.Outputs} "
            + $"{options.BatchSizes.Count == 0}";
        var hash = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(key)))[..16];
        return Path.Combine(GraphCache.Folder(checkpoint, options.Config ?? checkpoint.Config, options.CacheFolder), $"tuning-{hash}.json");
    }
}
