using AstStream.Dsp;
using AstStream.Events;
using AstStream.Events.Decoding;
using AstStream.Model.Checkpoints;
using AstStream.Streaming.FrontEnd;
using AstStream.Streaming.Graph;
using AstStream.Streaming.Scheduling;
using AstStream.Streaming.Sources;
using AstStream.Streaming.Telemetry;

namespace AstStream.Streaming.Decoding;

/// <summary>Decodes one model's scores of each stream into events, and keeps the streams' ledgers.</summary>
internal sealed class DecodeNode : Node
{
    private const int AtOnce = 256; // pieces
    private const long FarthestAhead = 600L * FbankOptions.SampleRate; // that a former model may have come; more is a damaged state
    private const long LongestRecord = 60L * FbankOptions.SampleRate;

    private readonly WindowScheduler _scheduler;
    private readonly RunReport _report;
    private readonly Edge<StreamRecord> _output;
    private readonly List<Piece> _pieces = [];
    private readonly Dictionary<StreamTimeline, StreamDecoding> _streams = [];
    private readonly List<StreamRecord> _records = [];
    private readonly List<DetectedEvent> _detected = [];
    private readonly List<(StreamTimeline Stream, Handover Said)> _left = []; // streams that another model goes on with
    private readonly Action<DetectedEvent> _detect;
    private readonly float[] _silence;
    private readonly Localiser? _localiser;
    private volatile DecodeOptions _options;
    private volatile bool _givesScores;

    public DecodeNode(string name, WindowScheduler scheduler, DecodeOptions options, Edge<StreamRecord> output, RunReport report)
        : base(name)
    {
        (_scheduler, _options, _report) = (scheduler, options, report);
        _output = WritesTo(output);
        scheduler.AddDecoder(name);
        _silence = new float[options.Labels.Count];
        _localiser = options.Columns is { } columns ? new Localiser(columns) : null;
        _detect = _detected.Add;
    }

    public override string Description =>
        $"{_options.Reported.Count} labels, timed by {_options.Options.Timing.Word()}, median of {_options.Options.MedianWindows} windows, "
            + "threshold and hysteresis" + (_localiser is null ? "" : ", placed by a localiser");

    /// <summary>Whether it gives the scores of every window besides; may be set while the graph runs.</summary>
    public bool GivesScores
    {
        get => _givesScores;
        set => _givesScores = value;
    }

    /// <summary>The score that opens an event of each label; infinity for one that makes none.</summary>
    public IEnumerable<(string Label, float Threshold)> Thresholds => _options.Labels.Zip(_options.Options.Thresholds);

    /// <summary>Decodes by other options from the next window on; may be called while the graph runs.</summary>
    public void Reconfigure(EventOptions options) => _options = _options with { Options = options };

    internal override ValueTask OpenAsync(CancellationToken cancellation)
    {
        _options.Unusual?.Open();
        return ValueTask.CompletedTask;
    }

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
            for (var i = 0; i < _pieces.Count; i++)
            {
                var piece = _pieces[i];
                if (!piece.Timeline.Stream.IsAbandoned)
                {
                    var stream = Open(piece, options);
                    Decode(piece, stream, options);
                    if (i == _pieces.Count - 1 || _pieces[i + 1].Timeline != piece.Timeline)
                        AddCheckpoint(piece, stream, options);
                }

                if (piece.IsLast)
                    Leave(piece);
            }

            _scheduler.Decoded(_pieces);
            foreach (var record in _records)
                await _output.WriteAsync(record, cancellation).ConfigureAwait(false);
            _records.Clear();

            // What the other models say of these streams comes after this.
            foreach (var (stream, said) in _left)
            {
                var (scheduler, timeline) = stream.Successor!.Value;
                scheduler.Continue(timeline, said);
            }

            _left.Clear();
        }
    }

    private void Leave(Piece piece)
    {
        _streams.Remove(piece.Timeline, out var stream);
        if (piece.Timeline.Stream.IsAbandoned)
            stream?.Interrupt(isLast: true, _options, _ => { }); // somebody else says what comes of it
        if (piece.State == PieceState.HandedOver)
            _left.Add((piece.Timeline, stream?.HandOver() ?? Handover.Nothing));
    }

    private StreamDecoding Open(Piece piece, DecodeOptions options)
    {
        var timeline = piece.Timeline;
        if (_streams.TryGetValue(timeline, out var stream))
            return stream;
        ObserverOf(timeline.Stream)?.Begins(_scheduler.Model, options.Vocabulary);
        if (timeline.Received is { } received)
            return _streams[timeline] = TakeOver(piece, options, received);
        var (coveredTo, left) = timeline.Unfinished is { } unfinished
            ? Unfinished.Read(unfinished, timeline.Stream, _scheduler.Model) : (0, []);
        stream = New(piece, options, coveredTo - piece.CellStart < FarthestAhead ? coveredTo : 0);
        if (timeline.Resumed is { } resumed && !TryRestore(resumed, stream, piece))
        {
            _report.Warn(timeline.Stream.Source, $"stream {timeline.Stream.Id}: its state is damaged; what it remembers is left out");
            stream = New(piece, options, 0);
        }

        stream.CoveredTo = stream.Ledger.End;
        foreach (var record in left)
        {
            _records.Add(record with { Checkpoint = stream.Checkpoint });
            if (record is not SoundEvent closed)
                continue;
            _report.AddEvent(_scheduler.Model, closed.Label);
            ObserverOf(timeline.Stream)?.Detected(closed);
        }

        return _streams[timeline] = stream;
    }

    /// <summary>Goes on where another model has left the stream.</summary>
    private StreamDecoding TakeOver(Piece piece, DecodeOptions options, Handover received)
    {
        var stream = New(piece, options, received.CoveredTo, received.Last);
        (stream.CoveredTo, stream.Checkpoint, stream.Carried) = (stream.Ledger.End, received.Checkpoint, received.Carried);
        foreach (var (label, offset) in received.Closed)
        {
            foreach (var (index, _) in options.Labels.Index().Where(l => l.Item == label))
                stream.Decoder.Follow(index, offset);
        }

        return stream;
    }

    private StreamDecoding New(
        Piece piece, DecodeOptions options, long coveredTo, (CoverageState, LossReason, SourceState?)? last = null)
    {
        var stream = piece.Timeline.Stream;
        var decoder = IEventDecoder.For(options.Options);
        return new StreamDecoding(
            options.Tap?.Invoke(stream.Id, options.Labels, decoder) ?? decoder,
            new CoverageLedger(
                stream, _scheduler.Model, options.IsShadow ? new CoverageTotals() : _report.Coverage(_scheduler.Model), LongestRecord,
                Math.Max(piece.CellStart, coveredTo), last),
            stream.Delivery is null || options.IsShadow ? 0 : 1);
    }

    private static bool TryRestore(StreamState state, StreamDecoding stream, Piece piece)
    {
        try
        {
            stream.Carried = state.Restore(stream.Ledger.Restore, stream.Decoder.Restore);
            return stream.Ledger.End >= piece.CellStart && stream.Ledger.End - piece.CellStart < FarthestAhead;
        }
        catch (Exception e) when (e is IOException or FormatException or ArgumentException or InvalidDataException or OverflowException)
        {
            return false;
        }
    }

    private void Decode(Piece piece, StreamDecoding stream, DecodeOptions options)
    {
        var (decoder, ledger, info) = (stream.Decoder, stream.Ledger, piece.Timeline.Stream);
        if (decoder.Options != options.Options)
            decoder.Reconfigure(options.Options);
        stream.Carried = piece.Input.Carried ?? stream.Carried;
        switch (piece.State)
        {
            case PieceState.Analysed or PieceState.Noted when piece.Part is { } part:
                stream.HeardBy = piece.HeardBy ?? stream.HeardBy;
                stream.Embeddings.Add(piece, options.Options.Thresholds);
                decoder.Push(
                    part, piece.State == PieceState.Analysed ? piece.Scores : [], _detect, piece.Input.Places,
                    _localiser is null ? [] : _localiser.Extents(piece, part));
                break;
            case PieceState.Analysed:
                stream.HeardBy = piece.HeardBy;
                stream.Listen(piece, options, _detect);
                decoder.Push(TimeOf(piece), piece.Scores, _detect);
                if (_givesScores)
                    _records.Add(new ScoreFrame(
                        info, _scheduler.Model, piece.CellStart, piece.CellEnd, options.Reported, options.ReportedOf(piece.Scores))
                    {
                        Checkpoint = stream.Checkpoint,
                        HeardBy = piece.HeardBy,
                    });
                Account(stream, piece, CoverageState.Analysed, LossReason.None, piece.Source);
                break;
            case PieceState.Gated:
                // Nothing rose above the noise: no label has a score.
                decoder.Push(TimeOf(piece), _silence, _detect);
                stream.Interrupt(isLast: false, options, _detect);
                Account(stream, piece, CoverageState.Gated, LossReason.None, piece.Source);
                break;
            case PieceState.Tail:
                if (ledger.Last.State != CoverageState.Lost)
                    decoder.Flush(piece.CellEnd, _detect);
                Account(stream, piece, ledger.Last.State, ledger.Last.Reason, ledger.Last.Source);
                break;
            case PieceState.Lost:
                decoder.Flush(piece.CellStart, _detect);
                stream.Interrupt(isLast: false, options, _detect);
                Account(stream, piece, CoverageState.Lost, piece.Reason, piece.Source);
                break;
            case PieceState.End or PieceState.HandedOver:
                decoder.Flush(piece.CellEnd, _detect);
                stream.Interrupt(isLast: true, options, _detect);
                Add(ledger.Close(), stream.Checkpoint);
                if (piece.State == PieceState.HandedOver)
                    stream.Closed = ClosedNow(options.Labels);
                break;
            default:
                throw new InvalidOperationException($"stream {info.Id}: a piece that is {piece.State} was taken for decided");
        }

        foreach (var e in _detected)
        {
            if (e.State == EventState.Closed && !options.IsShadow)
                _report.AddEvent(_scheduler.Model, options.LabelOf(e));
            var published = ToEvent(e, info, stream, options) with
            {
                Captured = piece.Timeline.IsLive ? piece.Captured : 0,
                Decided = ModelTime.Seconds(Math.Max(piece.End, piece.After.HeardUntil)),
                Embedding = stream.Embeddings.Of(e),
            };
            _records.Add(published);
            ObserverOf(info)?.Detected(published);
        }

        _detected.Clear();
        if (ObserverOf(info) is { } observer && piece.State != PieceState.HandedOver)
            Tell(observer, piece, stream, options);
    }

    private List<(string Label, long Offset)> ClosedNow(IReadOnlyList<string> labels) =>
        [.. _detected.Where(e => e.State == EventState.Closed && e.Label >= 0).Select(e => (labels[e.Label], e.Offset))];

    private SoundEvent ToEvent(DetectedEvent e, StreamInfo info, StreamDecoding stream, DecodeOptions options)
    {
        var label = options.LabelOf(e);
        return new SoundEvent(
            EventName.Of(info, label, e.Onset, options.ModelHash), e.State, info, _scheduler.Model, label, ModelTime.Seconds(e.Onset),
            ModelTime.Seconds(e.Offset), e.PeakScore, e.MeanScore)
        {
            Checkpoint = stream.Checkpoint,
            Origin = e.Origin,
            Carried = stream.Carried,
            ShadowOf = options.ShadowOf,
            HeardBy = stream.HeardBy ?? _scheduler.HeardBy, // an event of before a restart may close without a window
        };
    }

    /// <summary>Who follows a stream; nobody follows shadows.</summary>
    private IStreamObserver? ObserverOf(StreamInfo stream) => _options.IsShadow ? null : stream.Observer;

    private void Tell(IStreamObserver observer, Piece piece, StreamDecoding stream, DecodeOptions options)
    {
        var isAnalysed = piece.State == PieceState.Analysed;
        observer.Decided(new DecidedPiece
        {
            Model = _scheduler.Model,
            State = isAnalysed ? CoverageState.Analysed : piece.State switch
            {
                PieceState.Gated or PieceState.Noted => CoverageState.Gated,
                PieceState.Tail => stream.Ledger.Last.State,
                _ => CoverageState.Lost,
            },
            Until = piece.CellEnd,
            Start = isAnalysed ? piece.Start : piece.CellStart,
            End = isAnalysed ? piece.End : piece.CellEnd,
            Scores = isAnalysed ? piece.Scores : [],
            Labels = options.Labels,
            Thresholds = options.Options.Thresholds,
            Unusual = stream.Unusual,
            IsInTurn = piece.Part is null,
            IsEnd = piece.State == PieceState.End,
        });
    }

    private static WindowTime TimeOf(Piece piece) =>
        new(piece.CellStart, piece.CellEnd, piece.Start, piece.End) { Origin = piece.Input.Places };

    private void Account(StreamDecoding stream, Piece piece, CoverageState state, LossReason reason, SourceState? source)
    {
        if (piece.CellEnd <= stream.CoveredTo)
            return; // another model's, which had come further
        var hop = state == CoverageState.Analysed ? FbankOptions.Seconds(piece.Hop) : 0;
        var start = Math.Max(piece.CellStart, stream.CoveredTo);
        Add(stream.Ledger.Add(state, reason, start, piece.CellEnd, hop, source), stream.Checkpoint);
    }

    private void Add(CoverageInterval? finished, long checkpoint)
    {
        if (finished is not null)
            _records.Add(finished with { Checkpoint = checkpoint, ModelHash = _options.ModelHash, ShadowOf = _options.ShadowOf });
    }

    /// <summary>Where somebody asks for it: the place after a piece, and what is needed to go on there.</summary>
    private void AddCheckpoint(Piece piece, StreamDecoding stream, DecodeOptions options)
    {
        if (stream.Checkpoint == 0)
            return;
        stream.Decoder.Unclosed(_detect);
        var open = new List<SoundEvent>(_detected.Count);
        foreach (var e in _detected)
            open.Add(ToEvent(e, piece.Timeline.Stream, stream, options));
        _detected.Clear();
        var unfinished = Unfinished.Write(stream.Ledger.End, stream.Ledger.Pending, options.ModelHash, open);
        _records.Add(new StreamCheckpoint(
            piece.Timeline.Stream,
            _scheduler.Model,
            stream.Checkpoint++,
            StreamState.Write(
                _scheduler.Identity, unfinished, piece.After, stream.Ledger.Save, stream.Decoder.Save, stream.Carried),
            piece.After.NeededSample(_scheduler.Window.WindowFrames),
            piece.After.Segment.SampleRate,
            piece.State == PieceState.End));
    }
}
