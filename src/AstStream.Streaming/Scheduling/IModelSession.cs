using AstStream.Events;
using AstStream.Streaming.FrontEnd;

namespace AstStream.Streaming.Scheduling;

/// <summary>
/// Scores windows: what a session node runs. It has one or two slots of rows, so that one can be filled while the other runs. For one
/// caller of each slot at a time.
/// </summary>
internal interface IModelSession : IDisposable
{
    /// <summary>The most windows in one run.</summary>
    int MaxBatch { get; }

    /// <summary>
    /// Slots of <see cref="MaxBatch"/> rows: 2 where filling a batch takes a part of the time that its run takes, else 1.
    /// </summary>
    int Slots { get; }

    /// <summary>Scores of one window.</summary>
    int NumLabels { get; }

    /// <summary>The model, and what it runs on: as records name it.</summary>
    ModelIdentity Identity { get; }

    /// <summary>The most windows a second of its runs at the start; 0 where it was not measured.</summary>
    double WindowsPerSecond { get; }

    /// <summary>Whether it runs on something else than was asked for, which may be had later.</summary>
    bool IsFallback { get; }

    /// <summary>Whether it has failed in a way that leaves it of no use: it is to be opened again.</summary>
    bool IsBroken { get; }

    /// <summary>What it runs as, in a line.</summary>
    string Description { get; }

    /// <summary>What it passed over or doubts.</summary>
    IEnumerable<string> Warnings { get; }

    /// <summary>How many of the rows at hand, 1 to <see cref="MaxBatch"/>, to run at once, where the rest may wait.</summary>
    int RowsToRun(int rows);

    /// <summary>Puts a window into a row of a slot.</summary>
    void SetInput(int slot, int row, Piece window);

    /// <summary>Scores the first rows of a slot, 1 to <see cref="MaxBatch"/>.</summary>
    void Run(int slot, int rows);

    /// <summary>Gives a window its scores: those of a row of the slot's last run.</summary>
    void Read(int slot, int row, Piece window);
}
