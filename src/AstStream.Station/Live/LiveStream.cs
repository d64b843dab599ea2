using System.Collections.Concurrent;
using System.Collections.Immutable;
using AstStream.Dsp;
using AstStream.Events.Unusual;
using AstStream.Station.Levels;
using AstStream.Streaming.Sources;

namespace AstStream.Station.Live;

/// <summary>What one stream is like now, and who looks at it. The lane writes its sound, decoders its scores; anybody reads.</summary>
internal sealed class LiveStream
{
    /// <summary>First byte of a message: columns of the spectrogram, one byte a mel bin, the lowest first.</summary>
    public const byte Columns = 1;

    /// <summary>First byte of a message: samples, 16 bits, little-endian, at the stream's own rate.</summary>
    public const byte Sound = 2;

    /// <summary>Frames of 10 ms that a column of the spectrogram is the loudest of.</summary>
    public const int ColumnFrames = 4;

    /// <summary>Mel bins of a column.</summary>
    public const int MelBins = 128;

    private const float Darkest = -16; // ln of mel energy: the floor of the front end
    private const float Brightest = 8; // nearly full scale

    private readonly StreamInfo _stream;
    private readonly StreamLevels? _levels;
    private readonly ConcurrentDictionary<string, LatestScores> _scores = new(StringComparer.Ordinal); // by model
    private string? _unusualTo; // the model that says how unusual it sounds
    private SignalMeter? _meter; // where nobody else measures it
    private ImmutableArray<LiveViewer> _viewers = [];
    private float[] _column = [];
    private int _inColumn; // frames

    /// <summary>Follows a stream.</summary>
    /// <param name="stream">The stream.</param>
    /// <param name="levels">Its levels; null where none are measured.</param>
    public LiveStream(StreamInfo stream, StreamLevels? levels = null) => (_stream, _levels) = (stream, levels);

    /// <summary>Which one it is.</summary>
    public StreamInfo Stream => _stream;

    /// <summary>Samples a second; 0 before the first.</summary>
    public int SampleRate { get; private set; }

    /// <summary>How far it has come, in seconds from its start.</summary>
    public double Heard { get; private set; }

    /// <summary>Whether it has ended.</summary>
    public bool IsOver { get; private set; }

    /// <summary>Its level; null before its first sound.</summary>
    public SignalMeter? Meter => _stream.Health?.Meter ?? _meter;

    /// <summary>Its A-weighted level; null where that is not measured, or before its first sound.</summary>
    public double? WeightedLevel => _levels?.Now;

    /// <summary>The latest scores of each model that has heard it.</summary>
    public IEnumerable<LatestScores> Scores => _scores.Values;

    /// <summary>How unusual it sounds to a model that was asked; null where none was.</summary>
    public UnusualReading? Unusual { get; private set; }

    /// <summary>Whether somebody looks at its spectrogram.</summary>
    public bool HasFrameViewers
    {
        get
        {
            foreach (var viewer in _viewers)
            {
                if (viewer.WantsFrames)
                    return true;
            }

            return false;
        }
    }

    /// <summary>Somebody begins to look.</summary>
    public void Add(LiveViewer viewer)
    {
        ImmutableInterlocked.Update(ref _viewers, v => v.Add(viewer));
        if (IsOver)
            viewer.End();
    }

    /// <summary>Somebody ends.</summary>
    public void Remove(LiveViewer viewer) => ImmutableInterlocked.Update(ref _viewers, v => v.Remove(viewer));

    /// <summary>Sound comes. By the lane.</summary>
    public void Hear(AudioBlock block)
    {
        if (block.Kind != MessageKind.Data)
            return;
        SampleRate = block.SampleRate;
        Heard = (double)(block.Start + block.Samples.Length) / block.SampleRate;
        if (_stream.Health is null)
            (_meter ??= new SignalMeter(block.SampleRate)).Accept(block.Samples);
        byte[]? message = null;
        foreach (var viewer in _viewers)
        {
            if (!viewer.WantsSound)
                continue;
            if (message is null)
            {
                message = new byte[1 + (2 * block.Samples.Length)];
                message[0] = Sound;
                WavWriter.ToPcm16(block.Samples, message.AsSpan(1));
            }

            viewer.Send(message);
        }
    }

    /// <summary>Log-mel frames come. By the lane.</summary>
    public void Frame(ReadOnlySpan<float> frames, int numMelBins)
    {
        if (numMelBins != MelBins)
            return; // no checkpoint has another number
        if (_column.Length == 0)
            _column = new float[numMelBins];
        var columns = (_inColumn + (frames.Length / numMelBins)) / ColumnFrames;
        var message = new byte[1 + (columns * numMelBins)];
        message[0] = Columns;
        for (var (at, to) = (0, 1); at < frames.Length; at += numMelBins)
        {
            var frame = frames.Slice(at, numMelBins);
            for (var i = 0; i < numMelBins; i++)
                _column[i] = _inColumn == 0 ? frame[i] : Math.Max(_column[i], frame[i]);
            if (++_inColumn < ColumnFrames)
                continue;
            _inColumn = 0;
            foreach (var value in _column)
                message[to++] = (byte)Math.Clamp(255 * (value - Darkest) / (Brightest - Darkest), 0, 255);
        }

        if (columns == 0)
            return;
        foreach (var viewer in _viewers)
        {
            if (viewer.WantsFrames)
                viewer.Send(message);
        }
    }

    /// <summary>A model has scored a window.</summary>
    public void Take(in DecidedPiece piece)
    {
        if (piece.Unusual is not null || _unusualTo == piece.Model)
            (Unusual, _unusualTo) = (piece.Unusual, piece.Model);

        // In place: whoever reads meanwhile sees some of both windows, for a second.
        if (_scores.TryGetValue(piece.Model, out var kept) && kept.Labels == piece.Labels && kept.Thresholds == piece.Thresholds)
            piece.Scores.CopyTo(kept.Scores);
        else
            _scores[piece.Model] = new LatestScores(piece.Labels, piece.Scores.ToArray(), piece.Thresholds);
    }

    /// <summary>Nothing more comes.</summary>
    public void End()
    {
        IsOver = true;
        foreach (var viewer in _viewers)
            viewer.End();
    }
}
