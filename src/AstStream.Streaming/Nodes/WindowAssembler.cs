using AstStream.Dsp;

namespace AstStream.Streaming;

/// <summary>How a stream is cut into windows.</summary>
/// <param name="WindowFrames">Frames of one window: the model's max_length.</param>
/// <param name="HopFrames">Frames from one window's start to the next one's, 1 to WindowFrames.</param>
/// <param name="NumMelBins">Mel bins of one frame.</param>
public sealed record WindowOptions(int WindowFrames, int HopFrames, int NumMelBins);

/// <summary>
/// Gathers one stream's log-mel frames into windows; the model's graph normalises them. A window's scores stand for an interval of its own, its cell: from the last
/// cell's end to half a hop behind the window's centre; the first cell begins at the stream's start and the last one ends at
/// its end, so the cells cover the stream without hole or overlap.
/// The last window of a stream ends where the stream ends, so that all its sound is heard and none of it is padding; only
/// a stream shorter than a window is padded, with 0.0 as the feature extractor pads.
/// </summary>
public sealed class WindowAssembler
{
    private readonly StreamInfo _stream;
    private readonly WindowOptions _options;
    private readonly OnlineFbank _fbank;
    private readonly float[] _frames; // from frame _firstFrame on
    private long _firstFrame; // of the buffer, counted from the segment's start
    private int _numFrames; // in the buffer
    private long _nextWindow; // first frame of the next regular window
    private long _segmentStart; // sample
    private long _samples; // in the segment
    private long _cellStart;
    private bool _hasWindow;

    /// <summary>Makes an assembler for one stream.</summary>
    public WindowAssembler(StreamInfo stream, WindowOptions options)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(options.HopFrames, 1, nameof(options));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(options.HopFrames, options.WindowFrames, nameof(options));
        _stream = stream;
        _options = options;
        _fbank = new OnlineFbank(new FbankOptions { NumMelBins = options.NumMelBins });
        _frames = new float[(options.WindowFrames + options.HopFrames + 64) * options.NumMelBins];
    }

    /// <summary>Takes samples and adds the windows that they complete.</summary>
    public void AcceptWaveform(ReadOnlySpan<float> samples, List<FeatureWindow> windows)
    {
        var bins = _options.NumMelBins;
        while (!samples.IsEmpty)
        {
            var taken = _fbank.AcceptWaveform(samples);
            samples = samples[taken..];
            _samples += taken;
            while (_fbank.NumFramesReady > 0)
            {
                if ((_numFrames + 1) * bins > _frames.Length)
                    DropFramesBefore(_nextWindow - _options.HopFrames);
                _numFrames += _fbank.Read(_frames.AsSpan(_numFrames * bins));
                while (_firstFrame + _numFrames - _nextWindow >= _options.WindowFrames)
                {
                    AddWindow(_nextWindow, windows, last: false);
                    _nextWindow += _options.HopFrames;
                }
            }
        }
    }

    /// <summary>The stream ends, or goes on elsewhere: adds its last window and the mark.</summary>
    /// <param name="kind">End or Discontinuity.</param>
    /// <param name="next">The sample at which a stream goes on after a discontinuity.</param>
    /// <param name="windows">Receives the windows.</param>
    public void Break(MessageKind kind, long next, List<FeatureWindow> windows)
    {
        var end = _segmentStart + _samples;
        var total = _firstFrame + _numFrames;
        var heard = _hasWindow ? _nextWindow - _options.HopFrames + _options.WindowFrames : 0;
        if (total > heard)
            AddWindow(Math.Max(0, total - _options.WindowFrames), windows, last: true);
        var mark = FeatureWindow.Rent(_stream, kind, end);
        mark.End = mark.CellStart = mark.CellEnd = end;
        windows.Add(mark);

        _fbank.Reset();
        _firstFrame = _nextWindow = _numFrames = 0;
        _samples = 0;
        _hasWindow = false;
        _segmentStart = _cellStart = kind == MessageKind.Discontinuity ? next : 0;
    }

    private void AddWindow(long first, List<FeatureWindow> windows, bool last)
    {
        var bins = _options.NumMelBins;
        var start = _segmentStart + (first * FbankOptions.FrameShift);
        var length = FbankOptions.NumSamples(_options.WindowFrames);
        var window = FeatureWindow.Rent(_stream, MessageKind.Data, start);
        var offset = (int)(first - _firstFrame);
        var frames = Math.Min(_options.WindowFrames, _numFrames - offset);
        var features = window.Resize(_options.WindowFrames * bins);
        _frames.AsSpan(offset * bins, frames * bins).CopyTo(features);
        features[(frames * bins)..].Clear();
        window.End = last ? _segmentStart + _samples : start + length;
        window.CellStart = _cellStart;
        window.CellEnd = last ? _segmentStart + _samples : start + (length / 2) + (_options.HopFrames * FbankOptions.FrameShift / 2);
        _cellStart = window.CellEnd;
        _hasWindow = true;
        windows.Add(window);
    }

    private void DropFramesBefore(long frame)
    {
        var bins = _options.NumMelBins;
        var drop = (int)Math.Max(0, frame - _firstFrame);
        _frames.AsSpan(drop * bins, (_numFrames - drop) * bins).CopyTo(_frames);
        _firstFrame += drop;
        _numFrames -= drop;
    }
}
