using System.Runtime.InteropServices;
using AstStream.Model.Runtime;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;

namespace AstStream.Model.Training;

/// <summary>Numbers at an address that stays, where the training runs: in memory, or in a GPU's.</summary>
internal sealed unsafe class TrainingBuffer : IDisposable
{
    private readonly OrtMemoryAllocation? _there;
    private readonly nint _address;

    /// <summary>Allocates zeros.</summary>
    /// <param name="shape">The tensor's shape.</param>
    /// <param name="device">The GPU's memory; null for the host's.</param>
    public TrainingBuffer(IReadOnlyList<int> shape, DeviceMemory? device)
    {
        Length = shape.Aggregate(1, (a, b) => checked(a * b));
        var bytes = (long)Length * sizeof(float);
        if (device is null)
        {
            _address = (nint)NativeMemory.AlignedAlloc(checked((nuint)bytes), 64);
            new Span<float>((void*)_address, Length).Clear();
        }
        else
        {
            _there = device.Allocator.Allocate(checked((uint)bytes));
            _address = _there.DangerousGetHandle();
        }

        try
        {
            if (device is not null)
                Write(new float[Length]);
            Tensor = OrtValue.CreateTensorValueWithData(
                device?.Info ?? OrtMemoryInfo.DefaultInstance, TensorElementType.Float, [.. shape.Select(d => (long)d)], _address, bytes);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>How many numbers it has.</summary>
    public int Length { get; }

    /// <summary>It, as a tensor.</summary>
    public OrtValue Tensor { get; } = null!;

    /// <summary>Fills it.</summary>
    public void Write(ReadOnlySpan<float> values)
    {
        if (values.Length != Length)
            throw new ArgumentException($"{values.Length} numbers for {Length}", nameof(values));
        if (_there is null)
            values.CopyTo(new Span<float>((void*)_address, Length));
        else
            fixed (float* from = values)
                CudaRuntime.Copy(_address, (nint)from, (long)Length * sizeof(float));
    }

    /// <summary>Its numbers.</summary>
    public float[] Read()
    {
        var values = new float[Length];
        if (_there is null)
            new ReadOnlySpan<float>((void*)_address, Length).CopyTo(values);
        else
            fixed (float* to = values)
                CudaRuntime.Copy((nint)to, _address, (long)Length * sizeof(float));
        return values;
    }

    public void Dispose()
    {
        Tensor?.Dispose();
        if (_there is null)
            NativeMemory.AlignedFree((void*)_address);
        else
            _there.Dispose();
    }
}
