using AstStream.Model.Runtime;

namespace AstStream.Tests.Model;

public sealed class CudaErrorsTests
{
    // As ONNX Runtime 1.31 says it on a machine whose GPU is hidden.
    private const string Hidden = "[ErrorCode:Fail] /onnxruntime_src/onnxruntime/core/providers/cuda/cuda_execution_provider_info.cc:63 "
        + "[ONNXRuntimeError] : 1 : FAIL : provider_options_utils.h:187 Parse Failed to parse provider option \"device_id\": "
        + "CUDA failure 100: no CUDA-capable device is detected ; GPU=-1 ; hostname=vm ; expr=cudaGetDeviceCount(&num_devices);  \n";

    [Fact]
    public void Said_NoDevice_SaysWhereToLook()
    {
        Assert.StartsWith("CUDA finds no device: nvidia-smi lists", CudaErrors.Said(Hidden));
        Assert.DoesNotContain("onnxruntime_src", CudaErrors.Said(Hidden));
    }

    [Fact]
    public void Said_AnotherFailure_SaysItsNumberAndWords() =>
        Assert.Equal("CUDA error 700: an illegal address", CudaErrors.Said("x CUDA failure 700: an illegal address ; GPU=0 ; expr=y"));

    [Fact]
    public void Said_AnythingElse_SaysAllOfItOnOneLine() => Assert.Equal("one two", CudaErrors.Said("one\ntwo"));
}
