using System.Runtime.InteropServices;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;

namespace AstStream.Model.Runtime;

/// <summary>
/// Rows of float32 outside the managed heap, at an address that does not change. With CUDA it is pinned memory, which the device
/// reads and writes at the same address (unified addressing): nothing is copied to bind it, and a CUDA graph can hold the address.
/// </summary>
internal sealed unsafe class HostBuffer : IInputRows
{
    private readonly float* _data;
    private readonly int _length;
    private readonly OrtMemoryInfo _seenAs;
    private readonly OrtMemoryAllocation? _pinned;

    public HostBuffer(int rows, int rowLength, DeviceMemory? device)
    {
        RowLength = rowLength;
        _length = checked(rows * rowLength);
        if (device is null)
        {
            _seenAs = OrtMemoryInfo.DefaultInstance;
            _data = (float*)NativeMemory.AlignedAlloc((nuint)_length * sizeof(float), 64);
        }
        else
        {
            _seenAs = device.Info;
            _pinned = device.Pinned.Allocate(checked((uint)_length * sizeof(float)));
            _data = (float*)_pinned.DangerousGetHandle();
        }

        All.Clear();
    }

    public int RowLength { get; }

    public Span<float> All => new(_data, _length);

    public Span<float> Row(int row) => All.Slice(row * RowLength, RowLength);

    public Span<float> Fill(int row) => Row(row);

    public void Send(int row)
    {
        // The graph reads it where it is.
    }

    public void Wait()
    {
    }

    /// <summary>Some rows as a tensor.</summary>
    public OrtValue Tensor(int firstRow, int rows, ReadOnlySpan<int> rowShape)
    {
        long[] shape = [rows, .. rowShape.ToArray()];
        return OrtValue.CreateTensorValueWithData(
            _seenAs, TensorElementType.Float, shape, (nint)(_data + (firstRow * RowLength)), (long)rows * RowLength * sizeof(float));
    }

    public void Dispose()
    {
        if (_pinned is null)
            NativeMemory.AlignedFree(_data);
        else
            _pinned.Dispose();
    }
}
