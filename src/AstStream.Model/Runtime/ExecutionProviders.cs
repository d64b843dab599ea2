using System.Globalization;
using System.Runtime.InteropServices;
using AstStream.Model.Onnx;
using Microsoft.ML.OnnxRuntime;

namespace AstStream.Model.Runtime;

/// <summary>Adds providers to a session and says what a missing one lacks.</summary>
internal static class ExecutionProviders
{
    // What the provider libraries of ONNX Runtime 1.31 for CUDA 13 need, in the order of what has to be installed first. cuDNN has the
    // attention kernel, and the mean over tokens from two windows on; its front end compiles with NVRTC.
    private static readonly string[] s_cuda = ["libcuda.so.1", "libcudart.so.13", "libcublas.so.13", "libcublasLt.so.13",
        "libcurand.so.10", "libcudnn.so.9", "libnvrtc.so.13"];
    private static readonly string[] s_tensorRt = [.. s_cuda, "libnvinfer.so.10", "libnvonnxparser.so.10"];

    /// <summary>The name that ONNX Runtime gives it.</summary>
    public static string RuntimeName(this ExecutionProvider provider) => provider switch
    {
        ExecutionProvider.Cuda => "CUDAExecutionProvider",
        ExecutionProvider.TensorRt => "TensorrtExecutionProvider",
        _ => "CPUExecutionProvider",
    };

    /// <summary>Why a provider can't be had here; null where nothing is known to be missing.</summary>
    public static string? WhyMissing(ExecutionProvider provider)
    {
        if (provider == ExecutionProvider.Cpu)
            return null;
        if (!OrtEnv.Instance().GetAvailableProviders().Contains(provider.RuntimeName()))
            return "this build of ONNX Runtime does not have it";
        if (!OperatingSystem.IsLinux())
            return null;
        var missing = (provider == ExecutionProvider.Cuda ? s_cuda : s_tensorRt).Where(l => !CanLoad(l)).ToList();
        if (missing.Count == 0)
            return null;
        var driver = missing.Remove("libcuda.so.1") ? "the NVIDIA driver (libcuda.so.1)" : null;
        var libraries = missing.Count > 0 ? string.Join(", ", missing) : null;
        return $"missing here: {string.Join("; ", new[] { driver, libraries }.Where(m => m is not null))}; install the driver, CUDA "
            + $"13 and cuDNN 9{(provider == ExecutionProvider.TensorRt ? ", and TensorRT 10" : "")}, or put their folders into "
            + $"LD_LIBRARY_PATH";
    }

    /// <summary>Whether products in float32 have their factors rounded to TF32.</summary>
    public static bool UsesTf32(AstSessionOptions options, ExecutionProvider provider) =>
        options.Tf32 && options.Precision == ModelPrecision.Float32 && provider == ExecutionProvider.Cuda;

    /// <summary>Adds a provider to the session's options.</summary>
    /// <param name="session">The session's options.</param>
    /// <param name="provider">The provider.</param>
    /// <param name="options">What the session was asked for.</param>
    /// <param name="cudaGraph">Whether CUDA captures graphs.</param>
    /// <param name="engines">
    /// Where TensorRT keeps its engines: it knows them by names, not by weights, so a folder is one checkpoint's. Null to keep none.
    /// </param>
    /// <param name="inputShape">
    /// The input's shape after the batch, from which TensorRT makes one engine for all batch sizes; null where that does not matter.
    /// </param>
    /// <param name="attentionKernels">Which of CUDA's attention kernels may run, as ONNX Runtime's sdpa_kernel; null for all.</param>
    public static void Append(
        SessionOptions session, ExecutionProvider provider, AstSessionOptions options, bool cudaGraph, string? engines = null,
        string? inputShape = null, string? attentionKernels = null)
    {
        var device = options.DeviceId.ToString(CultureInfo.InvariantCulture);
        switch (provider)
        {
            case ExecutionProvider.Cuda:
                using (var cuda = new OrtCUDAProviderOptions())
                {
                    var settings = new Dictionary<string, string>
                    {
                        ["device_id"] = device,
                        ["arena_extend_strategy"] = "kSameAsRequested", // few fixed shapes: what was needed once is enough
                        // With float16 one small product is left in float32, the classifier's.
                        ["use_tf32"] = options.Tf32 && options.Precision != ModelPrecision.Float16 ? "1" : "0",
                        ["enable_cuda_graph"] = cudaGraph ? "1" : "0",
                    };
                    if (attentionKernels is not null)
                        settings["sdpa_kernel"] = attentionKernels;
                    if (options.GpuMemoryLimit > 0)
                        settings["gpu_mem_limit"] = options.GpuMemoryLimit.ToString(CultureInfo.InvariantCulture);
                    cuda.UpdateOptions(settings);
                    session.AppendExecutionProvider_CUDA(cuda);
                }

                break;
            case ExecutionProvider.TensorRt:
                using (var tensorRt = new OrtTensorRTProviderOptions())
                {
                    var settings = new Dictionary<string, string>
                    {
                        ["device_id"] = device,
                        ["trt_fp16_enable"] = options.Precision == ModelPrecision.Float16 ? "1" : "0",
                        ["trt_bf16_enable"] = options.Precision == ModelPrecision.BFloat16 ? "1" : "0",
                        ["trt_layer_norm_fp32_fallback"] = "1",
                    };
                    if (engines is not null)
                    {
                        Directory.CreateDirectory(engines);
                        settings["trt_engine_cache_enable"] = "1";
                        settings["trt_engine_cache_path"] = engines;
                    }

                    if (options.GpuMemoryLimit > 0)
                        settings["trt_max_workspace_size"] = options.GpuMemoryLimit.ToString(CultureInfo.InvariantCulture);
                    if (inputShape is not null)
                    {
                        foreach (var (bound, size) in (
                            ReadOnlySpan<(string, int)>)[("min", 1), ("opt", options.BatchSizes.Max()), ("max", options.BatchSizes.Max())])
                            settings[$"trt_profile_{bound}_shapes"] = string.Create(
                                CultureInfo.InvariantCulture, $"{AstGraph.InputValues}:{size}x{inputShape}");
                    }

                    tensorRt.UpdateOptions(settings);
                    session.AppendExecutionProvider_Tensorrt(tensorRt);
                }

                break;
            case ExecutionProvider.Cpu:
            default:
                break; // always there
        }
    }

    private static bool CanLoad(string library)
    {
        if (!NativeLibrary.TryLoad(library, out var handle))
            return false;
        NativeLibrary.Free(handle);
        return true;
    }
}
