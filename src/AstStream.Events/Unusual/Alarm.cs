using AstStream.Events.Decoding;

namespace AstStream.Events.Unusual;

/// <summary>Makes events of windows that are unusual: one of those that belong together, however long they go on.</summary>
internal sealed class Alarm
{
    private static readonly long s_longest = 600L * ModelTime.SampleRate;

    private AlarmState _state;
    private long? _unusualAt; // the latest piece of time in which something was
    private (long Onset, long Offset, float Peak, double Sum, int Windows) _event;

    /// <summary>Takes a window.</summary>
    /// <param name="start">The first sample of what it stands for.</param>
    /// <param name="end">The sample after the last one.</param>
    /// <param name="piece">The number of its piece of time.</param>
    /// <param name="isUnusual">Whether it is over the threshold.</param>
    /// <param name="score">How unusual it is.</param>
    /// <param name="detected">Gets an event that opens or closes.</param>
    public void Push(long start, long end, long piece, bool isUnusual, float score, Action<DetectedEvent> detected)
    {
        // What belongs to an alarm is counted as the rate counts it.
        var belongs = _unusualAt is { } last && Math.Abs(piece - last) <= 1; // clocks are set back, too
        if (isUnusual)
            _unusualAt = piece;
        switch (_state)
        {
            case AlarmState.Usual when isUnusual:
            case AlarmState.Closed when isUnusual && !belongs:
                _state = AlarmState.Open;
                _event = (start, end, score, score, 1);
                detected(Event(EventState.Opened));
                break;
            case AlarmState.Open when isUnusual && end - _event.Onset < s_longest:
                _event = (_event.Onset, end, Math.Max(_event.Peak, score), _event.Sum + score, _event.Windows + 1);
                break;
            case AlarmState.Open:
                Close(detected);
                break;
            case AlarmState.Closed when !belongs:
                _state = AlarmState.Usual;
                break;
            default:
                break;
        }
    }

    /// <summary>Closes what is open.</summary>
    public void Flush(Action<DetectedEvent> detected)
    {
        if (_state == AlarmState.Open)
            Close(detected);
    }

    private void Close(Action<DetectedEvent> detected)
    {
        _state = AlarmState.Closed;
        detected(Event(EventState.Closed));
    }

    private DetectedEvent Event(EventState state) => new(
        state, UnusualDecoder.Class, _event.Onset, _event.Offset, _event.Peak, (float)(_event.Sum / _event.Windows));
}
