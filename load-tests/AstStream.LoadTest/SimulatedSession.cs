using System.Diagnostics;
using System.Runtime.InteropServices;
using AstStream.Events;
using AstStream.Streaming.FrontEnd;
using AstStream.Streaming.Scheduling;
using AstStream.Streaming.Sources;

namespace AstStream.LoadTest;

/// <summary>
/// A session that takes the time of a device: so many milliseconds a run and so many a window. Windows are copied into its rows as into a
/// real one's; the waiting uses no processor. Its scores are noise that never reaches a threshold of 0.9.
/// </summary>
internal sealed partial class SimulatedSession(
    int maxBatch, int labels, int values, double runMilliseconds, double windowMilliseconds) : IModelSession
{
    private readonly float[][] _rows = [.. Enumerable.Range(0, 2 * maxBatch).Select(_ => new float[values])];

    private readonly Dictionary<StreamInfo, (long First, long Last, int Count)> _seen = [];

    /// <summary>How much longer than usual a run takes; may change at any time.</summary>
    public double Slowness { get; set; } = 1;

    public int MaxBatch => maxBatch;

    public ModelIdentity Identity { get; } = new("hash", "float32", "cpu");

    public double WindowsPerSecond => 0;

    public bool IsFallback => false;

    public bool IsBroken => false;

    public int Slots => 2;

    public int NumLabels => labels;

    public string Description => FormattableString.Invariant($"simulated: {runMilliseconds} ms and {windowMilliseconds} ms a window");

    public IEnumerable<string> Warnings => [];

    /// <summary>Forgets the windows that <see cref="MeanHops"/> knows.</summary>
    public void ForgetWindows()
    {
        lock (_seen)
            _seen.Clear();
    }

    /// <summary>
    /// Each stream's mean time from one window's start to the next one's, in seconds, of the windows since the last call of
    /// <see cref="ForgetWindows"/>.
    /// </summary>
    public List<double> MeanHops()
    {
        lock (_seen)
            return [.. _seen.Values.Where(s => s.Count > 1).Select(s => (s.Last - s.First) / 16_000.0 / (s.Count - 1))];
    }

    public int RowsToRun(int rows) => rows;

    public void SetInput(int slot, int row, Piece window)
    {
        window.CopyTo(_rows[(slot * maxBatch) + row]);
        lock (_seen)
        {
            var seen = _seen.GetValueOrDefault(window.Timeline.Stream, (First: window.Start, Last: 0, Count: 0));
            _seen[window.Timeline.Stream] = (seen.First, window.Start, seen.Count + 1);
        }
    }

    public void Run(int slot, int rows)
    {
        var until = Stopwatch.GetTimestamp() + (long)(
            (runMilliseconds + (windowMilliseconds * rows)) * Slowness * Stopwatch.Frequency / 1000);
        // .NET's timestamps are nanoseconds of the monotonic clock on Linux.
        var wait = new Timespec(until / 1_000_000_000, until % 1_000_000_000);
        while (ClockNanosleep(1, 1, in wait, 0) != 0)
        {
            // a signal woke it
        }
    }

    public void Read(int slot, int row, Piece window)
    {
        var scores = window.ResizeScores(NumLabels);
        var features = _rows[(slot * maxBatch) + row];
        for (var i = 0; i < scores.Length; i++)
            scores[i] = Math.Abs(features[i * 61 % features.Length] % 0.9f);
    }

    public void Dispose()
    {
    }

    [LibraryImport("libc", EntryPoint = "clock_nanosleep")]
    private static partial int ClockNanosleep(int clock, int flags, in Timespec request, nint remain);

    private readonly record struct Timespec(long Seconds, long Nanoseconds);
}
