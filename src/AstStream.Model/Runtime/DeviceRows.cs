using System.Numerics.Tensors;
using System.Runtime.InteropServices;
using AstStream.Dsp;
using AstStream.Model.Checkpoints;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;

namespace AstStream.Model.Runtime;

/// <summary>
/// Rows on a GPU. A row is normalised and rounded to the graph's type into pinned memory, and copied from there on a stream of its own:
/// while the rows of the next batch come, the last one runs.
/// </summary>
internal sealed unsafe class DeviceRows : IInputRows
{
    private readonly HostBuffer _filled = null!;
    private readonly bool[] _areSent;
    private readonly FeatureNormalization _normalization;
    private readonly ElementType _type;
    private readonly int _rowBytes;
    private readonly DeviceMemory _device;
    private readonly OrtMemoryAllocation _pinned = null!;
    private readonly OrtMemoryAllocation _there = null!;
    private readonly nint _stream;

    /// <param name="rows">How many.</param>
    /// <param name="rowLength">Values of one.</param>
    /// <param name="type">The type that the graph takes: float32 or float16.</param>
    /// <param name="normalization">What is done to each value on the way.</param>
    /// <param name="device">The GPU's memory.</param>
    public DeviceRows(int rows, int rowLength, ElementType type, FeatureNormalization normalization, DeviceMemory device)
    {
        (_type, _normalization, _device) = (type, normalization, device);
        _rowBytes = rowLength * type.Width();
        _areSent = new bool[rows];
        Array.Fill(_areSent, true); // nothing is filled yet
        try
        {
            _pinned = device.Pinned.Allocate(checked((uint)(rows * (long)_rowBytes)));
            _there = device.Allocator.Allocate(checked((uint)(rows * (long)_rowBytes)));
            _stream = CudaRuntime.CreateStream(device.Info.Id);
            _filled = new HostBuffer(rows, rowLength, device: null);
        }
        catch
        {
            Dispose(); // before its allocators, which a finalizer would not wait for
            throw;
        }
    }

    public Span<float> Fill(int row)
    {
        _areSent[row] = false;
        return _filled.Row(row);
    }

    public void Send(int row)
    {
        if (_areSent[row])
            return;
        _areSent[row] = true;
        var values = _filled.Row(row);
        _normalization.Apply(values, values);
        var offset = row * (nint)_rowBytes;
        var bytes = new Span<byte>((byte*)_pinned.DangerousGetHandle() + offset, _rowBytes);
        if (_type == ElementType.Float16)
            TensorPrimitives.ConvertToHalf(values, MemoryMarshal.Cast<byte, Half>(bytes));
        else
            MemoryMarshal.AsBytes(values).CopyTo(bytes);

        using var use = DeviceGate.Use();
        CudaRuntime.CopyToDevice(_there.DangerousGetHandle() + offset, _pinned.DangerousGetHandle() + offset, _rowBytes, _stream);
    }

    public void Wait() => CudaRuntime.Wait(_stream);

    public OrtValue Tensor(int firstRow, int rows, ReadOnlySpan<int> rowShape) => OrtValue.CreateTensorValueWithData(
        _device.Info, _type == ElementType.Float16 ? TensorElementType.Float16 : TensorElementType.Float, [rows, .. rowShape.ToArray()],
        _there.DangerousGetHandle() + (firstRow * (nint)_rowBytes), rows * (long)_rowBytes);

    public void Dispose()
    {
        if (_stream != 0)
            CudaRuntime.Destroy(_stream);
        _filled?.Dispose();
        _pinned?.Dispose();
        _there?.Dispose();
    }
}
