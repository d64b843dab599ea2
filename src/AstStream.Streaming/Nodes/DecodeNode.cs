using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using AstStream.Dsp;
using AstStream.Events;

namespace AstStream.Streaming;

/// <summary>What turns one model's scores into events.</summary>
/// <param name="Labels">The class names.</param>
/// <param name="Options">How scores become events; may change while the graph runs.</param>
/// <param name="ModelHash">Tells models apart in events' ids.</param>
internal sealed record DecodeOptions(IReadOnlyList<string> Labels, EventOptions Options, string ModelHash);

/// <summary>Decodes one model's scores of each stream into events, and keeps the streams' ledgers.</summary>
internal sealed class DecodeNode : Node
{
    private const int AtOnce = 256; // pieces
    private const long LongestRecord = 60L * FbankOptions.SampleRate;

    private readonly WindowScheduler _scheduler;
    private readonly RunReport _report;
    private readonly Edge<StreamRecord> _output;
    private readonly List<FeatureWindow> _pieces = [];
    private readonly List<StreamRecord> _records = [];
    private readonly List<DetectedEvent> _detected = [];
    private readonly Action<DetectedEvent> _detect;
    private readonly float[] _silence;
    private volatile DecodeOptions _options;

    public DecodeNode(string name, WindowScheduler scheduler, DecodeOptions options, Edge<StreamRecord> output, RunReport report)
        : base(name)
    {
        (_scheduler, _options, _report) = (scheduler, options, report);
        _output = WritesTo(output);
        scheduler.Scores.AddReader(name);
        _silence = new float[options.Labels.Count];
        _detect = _detected.Add;
    }

    public override string Description => $"{_options.Labels.Count} labels, median of {_options.Options.MedianWindows} windows, threshold and hysteresis";

    /// <summary>Decodes by other options from the next window on; may be called while the graph runs.</summary>
    public void Reconfigure(EventOptions options) => _options = _options with { Options = options };

    internal override ValueTask CloseAsync()
    {
        foreach (var piece in _pieces)
            piece.Return();
        _pieces.Clear();
        return ValueTask.CompletedTask;
    }

    protected override async Task WorkAsync(CancellationToken cancellation)
    {
        while (await _scheduler.TakeDecidedAsync(_pieces, AtOnce).ConfigureAwait(false))
        {
            var options = _options;
            foreach (var piece in _pieces)
                Decode(piece, options);
            _scheduler.Decoded(_pieces);
            foreach (var record in _records)
                await _output.WriteAsync(record, cancellation).ConfigureAwait(false);
            _records.Clear();
        }
    }

    private void Decode(FeatureWindow piece, DecodeOptions options)
    {
        var stream = piece.Timeline;
        var decoder = stream.Decoder ??= new EventDecoder(options.Options);
        var ledger = stream.Ledger ??= new CoverageLedger(stream.Stream, _scheduler.Model, _report.Coverage(_scheduler.Model), LongestRecord);
        if (decoder.Options != options.Options)
            decoder.Reconfigure(options.Options);
        switch (piece.State)
        {
            case WindowState.Analysed:
                decoder.Push(piece.CellStart, piece.CellEnd, piece.Scores, _detect);
                Account(ledger, piece, CoverageState.Analysed, LossReason.None, piece.Source);
                break;
            case WindowState.Gated:
                // Nothing rose above the noise: no label has a score.
                decoder.Push(piece.CellStart, piece.CellEnd, _silence, _detect);
                Account(ledger, piece, CoverageState.Gated, LossReason.None, piece.Source);
                break;
            case WindowState.Tail:
                if (ledger.Last.State != CoverageState.Lost)
                    decoder.Flush(piece.CellEnd, _detect);
                Account(ledger, piece, ledger.Last.State, ledger.Last.Reason, ledger.Last.Source);
                break;
            case WindowState.Lost:
                decoder.Flush(piece.CellStart, _detect);
                Account(ledger, piece, CoverageState.Lost, piece.Reason, piece.Source);
                break;
            case WindowState.End:
                decoder.Flush(piece.CellEnd, _detect);
                if (ledger.Close() is { } last)
                    _records.Add(last);
                break;
            default:
                throw new InvalidOperationException($"stream {stream.Stream.Id}: a piece that is {piece.State} was taken for decided");
        }

        foreach (var e in _detected)
        {
            var label = options.Labels[e.Label];
            if (e.State == EventState.Closed)
                _report.AddEvent(_scheduler.Model, label);
            _records.Add(new SoundEvent(
                Id(stream.Stream, label, e.Onset, options.ModelHash), e.State, stream.Stream, _scheduler.Model, label, FbankOptions.Seconds(e.Onset), FbankOptions.Seconds(e.Offset), e.PeakScore, e.MeanScore)
            { Captured = stream.IsLive ? piece.Captured : 0 });
        }

        _detected.Clear();
    }

    private void Account(CoverageLedger ledger, FeatureWindow piece, CoverageState state, LossReason reason, SourceState? source)
    {
        var hop = state == CoverageState.Analysed ? FbankOptions.Seconds(piece.Hop) : 0;
        if (ledger.Add(state, reason, piece.CellStart, piece.CellEnd, hop, source) is { } finished)
            _records.Add(finished);
    }

    /// <summary>The same for the same stream (and its start, where known), label, onset and model, so that whoever reads an event twice can tell.</summary>
    private static string Id(StreamInfo stream, string label, long onset, string modelHash)
    {
        var text = string.Create(CultureInfo.InvariantCulture, $"{stream.Id}\n{stream.StartTime:O}\n{label}\n{onset}\n{modelHash}");
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)))[..20];
    }
}
