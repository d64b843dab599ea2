using Microsoft.ML.OnnxRuntime;

namespace AstStream.Model.Runtime;

/// <summary>The rows of a session's input: filled as float32, and brought to where the graph reads them.</summary>
internal interface IInputRows : IDisposable
{
    /// <summary>A row to fill, as a whole; what is in it before is undefined.</summary>
    Span<float> Fill(int row);

    /// <summary>The row is filled: it is brought on its way, unless it is already.</summary>
    void Send(int row);

    /// <summary>Waits until all rows that were sent are there.</summary>
    void Wait();

    /// <summary>Some rows as the graph reads them.</summary>
    OrtValue Tensor(int firstRow, int rows, ReadOnlySpan<int> rowShape);
}
