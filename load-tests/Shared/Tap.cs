using AstStream.Events;
using AstStream.Streaming.Graph;
using AstStream.Streaming.Pipelines;
using AstStream.Streaming.Sources;
using AstStream.Streaming.Telemetry;
using AstStream.Worker;

namespace AstStream.LoadTest;

/// <summary>Runs one source of a pipeline and keeps what it gives.</summary>
internal sealed class Tap : IAsyncDisposable
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);

    private readonly Edge<AudioBlock> _lane = new("lane", 100_000);
    private readonly CancellationTokenSource _stop = new();
    private readonly List<float> _samples = [];
    private readonly Action<AudioBlock>? _heard;
    private readonly List<Interval> _lost = [];
    private readonly Task _running;

    /// <summary>Starts the source.</summary>
    /// <param name="source">The source.</param>
    /// <param name="name">Its name.</param>
    /// <param name="heard">Gets the samples as they come; where it is given, they are counted and not kept.</param>
    public Tap(IAudioSource source, string name = "mic", Action<AudioBlock>? heard = null)
    {
        _heard = heard;
        _lane.AddWriter("source");
        var time = TimeProvider.System;
        var output = new SourceOutput(name, _ => new LaneInput(_lane, time), source.IsLive, 0, 1, time, Report);
        _running = Task.Run(() => source.RunAsync(output, _stop.Token, CancellationToken.None));
    }

    public RunReport Report { get; } = new();

    public SourceHealth Health => Report.Health.Single();

    /// <summary>The samples so far, without what was lost.</summary>
    public IReadOnlyList<float> Samples
    {
        get
        {
            Drain();
            return _samples;
        }
    }

    /// <summary>What was lost so far, in samples of the stream's own rate.</summary>
    public IReadOnlyList<Interval> Lost
    {
        get
        {
            Drain();
            return _lost;
        }
    }

    /// <summary>How many samples came so far.</summary>
    public long Heard { get; private set; }

    public int Rate { get; private set; }

    public bool HasEnded { get; private set; }

    /// <summary>Where the stream stands.</summary>
    public long Position { get; private set; }

    public StreamInfo? Stream { get; private set; }

    /// <summary>The source of a section, as pipelines write it.</summary>
    public static IAudioSource Source(string yaml)
    {
        var folder = Directory.CreateTempSubdirectory("aststream-tap-");
        try
        {
            var path = Path.Combine(folder.FullName, "p.yaml");
            File.WriteAllText(path, $"sources: {{mic: {yaml}}}\nsinks: {{out: {{type: console}}}}\n");
            using var pipeline = Pipeline.Load(
                path, [], new PipelineHost
                {
                    Catalog = WorkerCatalog.All,
                    DefaultModel = Path.Combine(AppContext.BaseDirectory, "pipelines/models/ast-audioset-tiny")
                });
            return pipeline.Definition.Sources.Single().Settings.Build(pipeline.Definition);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    public async Task UntilAsync(Func<bool> isSo, string what = "what is waited for")
    {
        using var timeout = new CancellationTokenSource(s_patience);
        while (!isSo())
        {
            Drain();
            if (_running.IsFaulted)
                await _running;
            if (timeout.IsCancellationRequested)
                throw new TimeoutException(
                    $"{what} does not come to be; the source is {string.Join(", ", Report.Health.Select(h => h.State))}; errors: "
                        + $"{string.Join("; ", Report.Errors)}");
            await Task.Delay(10);
        }
    }

    public async Task EndedAsync()
    {
        await _running.WaitAsync(s_patience);
        Drain();
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await EndedAsync();
        Report.Dispose();
    }

    public void Drain()
    {
        while (_lane.TryRead(out var block))
        {
            Stream = block.Stream;
            Rate = block.SampleRate;
            if (block.Kind == MessageKind.Discontinuity)
            {
                if (block.Start < Position)
                    throw new InvalidOperationException($"the stream goes back from {Position} to {block.Start}");
                _lost.Add(new Interval(Position, block.Start, block.Reason));
            }
            else if (block.Start != Position)
            {
                throw new InvalidOperationException($"the stream goes from {Position} to {block.Start}");
            }

            HasEnded |= block.Kind == MessageKind.End;
            Position = block.Start + block.Samples.Length;
            Heard += block.Samples.Length;
            if (_heard is null)
                _samples.AddRange(block.Samples);
            else
                _heard(block);
            block.Return();
        }
    }

    internal sealed record Interval(long Start, long End, LossReason Reason)
    {
        public long Length => End - Start;
    }
}
