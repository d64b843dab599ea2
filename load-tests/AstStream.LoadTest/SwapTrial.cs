using System.Collections.Concurrent;
using System.Diagnostics;
using System.Diagnostics.Metrics;
using AstStream.Events;
using AstStream.Streaming.Definitions;
using AstStream.Streaming.Pipelines;
using AstStream.Streaming.Sinks;
using AstStream.Streaming.Sources;
using AstStream.Streaming.Telemetry;

namespace AstStream.LoadTest;

/// <summary>
/// Models that take each other's place under many live streams: is every window scored once and all time accounted for, and how late do
/// scores come meanwhile?
/// </summary>
/// <param name="folder">Where the second model and the pipeline are made.</param>
/// <param name="model">The first model.</param>
internal sealed class SwapTrial(string folder, string model)
{
    private const string Latency = "aststream_capture_to_score_seconds";
    private const int Bins = 3; // seconds after a swap begins that are looked at one by one
    private const double Calm = 30; // seconds before the first swap

    private readonly ConcurrentDictionary<string, Windows> _windows = new(StringComparer.Ordinal);
    private readonly ConcurrentQueue<(double At, double Seconds)> _latencies = [];
    private readonly Stopwatch _clock = Stopwatch.StartNew();

    /// <summary>Runs it.</summary>
    /// <param name="swaps">How many.</param>
    /// <param name="streams">Live streams.</param>
    /// <param name="hop">Their hop in seconds.</param>
    /// <param name="every">Seconds between the beginnings of two swaps, at least.</param>
    public async Task RunAsync(int swaps, int streams, double hop, double every)
    {
        Directory.CreateDirectory(folder);
        var other = MakeOther();
        var ledger = new Ledger();
        var file = Path.Combine(folder, "swap.yaml");
        void Write(bool isOther) => File.WriteAllText(file, FormattableString.Invariant(
            $"""
            sources:
              many:
                type: many
            model:
              path: {Path.GetFullPath(isOther ? other : model)}
              hop: {hop}s
              max_hop: {hop}s
            sinks:
              ledger:
                type: ledger
                records: [events, coverage]
            """));
        Write(isOther: false);
        using var report = new RunReport();
        using var listener = Listen();
        using var stop = new CancellationTokenSource();
        var catalog = new ComponentCatalog
        {
            Sources = [new SourceType("many", "Many.", [], _ => new ManySettings(streams))],
            Sinks = [new SinkType("ledger", "Checks.", [], (_, _) => new LedgerSettings(ledger))],
        };
        using var pipeline = Pipeline.Load(file, [], new PipelineHost { Catalog = catalog, DefaultModel = model });
        pipeline.Observe = stream => _windows[stream.Id] = new Windows(stream);
        var run = pipeline.Build(report, stop.Token);
        var running = run.RunAsync(CancellationToken.None);
        await Task.Delay(TimeSpan.FromSeconds(10 + Calm)).ConfigureAwait(false); // streams begin within 10 s
        var (began, took) = (new List<double>(), new List<double>());
        for (var i = 0; i < swaps; i++)
        {
            Write(isOther: i % 2 == 0);
            began.Add(_clock.Elapsed.TotalSeconds);
            await run.ReloadAsync([], CancellationToken.None).ConfigureAwait(false);
            took.Add(_clock.Elapsed.TotalSeconds - began[^1]);
            await Task.Delay(TimeSpan.FromSeconds(Math.Max(0, every - took[^1]))).ConfigureAwait(false);
        }

        var ended = _clock.Elapsed.TotalSeconds;
        await stop.CancelAsync().ConfigureAwait(false);
        await running.ConfigureAwait(false);
        Tell(report, ledger, began, took, ended, hop);
    }

    private void Tell(RunReport report, Ledger ledger, List<double> began, List<double> took, double ended, double hop)
    {
        var calm = Percentiles(_latencies.Where(l => l.At > began[0] - Calm && l.At < began[0]));
        Console.WriteLine($"{_windows.Count} live streams, {report.Windows} windows, {took.Count} swaps; a swap took a median of "
            + $"{Median(took):0.00} s, {took.Max():0.00} s at most");
        Console.WriteLine($"calm: p50 {calm.Median:0.0} ms, p99 {calm.P99:0.0} ms");
        for (var bin = 0; bin < Bins; bin++)
        {
            var (from, to) = (bin, bin == Bins - 1 ? int.MaxValue : bin + 1);
            var (median, p99) = Percentiles(_latencies.Where(l => l.At < ended && began.FindLast(b => b <= l.At) is > 0 and var b
                && l.At - b >= from && l.At - b < to));
            var until = to < int.MaxValue ? $"{to} s" : "the next one";
            Console.WriteLine($"from {from} s to {until} after a swap began: p50 {median:0.0} ms, p99 {p99:0.0} ms, "
                + $"{p99 / calm.P99:0.00} times");
        }

        var step = (long)Math.Round(hop * ModelTime.SampleRate);
        Console.WriteLine($"windows out of turn or twice: {_windows.Values.Sum(w => w.Wrong(step))}; "
            + $"coverage that does not join: {ledger.Wrong}; models in coverage: {ledger.Changes} changes; lost: "
            + string.Join(", ", Enum.GetValues<LossReason>().Select(r => (Reason: r, report.CoverageByModel["model"].LostTo(r)))
                .Where(l => l.Item2 > 0).Select(l => $"{ModelTime.Seconds(l.Item2):0.0} s {l.Reason.SnakeCase()}")
                .DefaultIfEmpty("nothing")));
    }

    /// <summary>The same model with other weights.</summary>
    private string MakeOther()
    {
        var other = Directory.CreateDirectory(Path.Combine(folder, "other")).FullName;
        foreach (var file in Directory.GetFiles(model).Where(f => !f.EndsWith("parity.json", StringComparison.Ordinal)))
            File.Copy(file, Path.Combine(other, Path.GetFileName(file)), overwrite: true);
        var weights = Path.Combine(other, "model.safetensors");
        var bytes = File.ReadAllBytes(weights);
        bytes[^2] ^= 1; // the lower bits of a weight
        File.WriteAllBytes(weights, bytes);
        return other;
    }

    private MeterListener Listen()
    {
        var listener = new MeterListener
        {
            InstrumentPublished = (instrument, l) =>
            {
                if (instrument.Name == Latency)
                    l.EnableMeasurementEvents(instrument);
            },
        };
        listener.SetMeasurementEventCallback<double>((_, value, _, _) => _latencies.Enqueue((_clock.Elapsed.TotalSeconds, value)));
        listener.Start();
        return listener;
    }

    private static (double Median, double P99) Percentiles(IEnumerable<(double At, double Seconds)> latencies)
    {
        List<double> sorted = [.. latencies.Select(l => 1000 * l.Seconds).Order()];
        return sorted.Count == 0 ? default : (sorted[sorted.Count / 2], sorted[(int)(0.99 * (sorted.Count - 1))]);
    }

    private static double Median(List<double> values) => values.Order().ElementAt(values.Count / 2);

    private sealed record ManySettings(int Streams) : SourceSettings
    {
        public override IAudioSource Build(PipelineDefinition pipeline) => new LiveStreams(Streams, 1e6, share48k: 0, scale: 1);
    }

    private sealed record LedgerSettings(ISink Sink) : SinkSettings
    {
        public override ISink Build() => Sink;
    }

    /// <summary>Notes one stream's windows.</summary>
    private sealed class Windows(StreamInfo stream) : IStreamObserver
    {
        private readonly List<long> _starts = [];

        public string Stream => stream.Id;

        public bool WantsFrames => false;

        /// <summary>
        /// Those that do not begin a hop after the one before; the first hop is the stream's own, the last window ends it.
        /// </summary>
        public int Wrong(long hop) =>
            Enumerable.Range(2, Math.Max(0, _starts.Count - 3)).Count(i => _starts[i] - _starts[i - 1] != hop)
            + (_starts.Count - _starts.Distinct().Count());

        public void Heard(AudioBlock block)
        {
        }

        public void Left()
        {
        }

        public void Framed(ReadOnlySpan<float> frames, int numMelBins)
        {
        }

        public void Begins(string model, Vocabulary vocabulary)
        {
        }

        public void Detected(SoundEvent e)
        {
        }

        public void Decided(in DecidedPiece piece)
        {
            if (piece.IsInTurn && !piece.Scores.IsEmpty)
                _starts.Add(piece.Start);
        }
    }

    /// <summary>Looks whether the coverage of every stream joins.</summary>
    private sealed class Ledger : ISink
    {
        private readonly Dictionary<string, CoverageInterval> _last = new(StringComparer.Ordinal);

        public string Description => "ledger";

        public int Wrong { get; private set; }

        public int Changes { get; private set; }

        public ValueTask OpenAsync(CancellationToken cancellation) => ValueTask.CompletedTask;

        public ValueTask WriteAsync(StreamRecord record, CancellationToken cancellation)
        {
            if (record is not CoverageInterval interval)
                return ValueTask.CompletedTask;
            var last = _last.GetValueOrDefault(record.Stream.Id);
            if (interval.Start != (last?.End ?? 0))
                Wrong++;
            if (last is not null && last.ModelHash != interval.ModelHash)
                Changes++;
            _last[record.Stream.Id] = interval;
            return ValueTask.CompletedTask;
        }

        public ValueTask FlushAsync(CancellationToken cancellation) => ValueTask.CompletedTask;

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}
