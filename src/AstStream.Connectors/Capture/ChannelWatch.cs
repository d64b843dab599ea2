using AstStream.Dsp;
using AstStream.Streaming.Sources;
using AstStream.Streaming.Telemetry;

namespace AstStream.Connectors.Capture;

/// <summary>
/// Reports, once a connection, which channels have been silent for as long as makes a source silent while others sound, and whether a mix
/// destroys itself.
/// </summary>
internal sealed class ChannelWatch(SourceOutput output, int? channel)
{
    private bool _isReported;

    /// <summary>A connection begins.</summary>
    public void Open() => _isReported = false;

    /// <summary>Checks what was decoded up to a position.</summary>
    public void Check(PcmDecoder decoder, PcmFormat format, long position)
    {
        if (_isReported || format.Channels < 2)
            return;
        var dead = decoder.SilentChannels((long)(SourceHealth.SilentAfter * format.SampleRate)).ToList();
        var mix = position > SourceHealth.SilentAfter * format.SampleRate ? decoder.MixWarning : null;
        _isReported = (dead.Count > 0 && dead.Count < format.Channels && (channel is not { } picked || dead.Contains(picked)))
            || mix is not null;
        if (_isReported)
            output.Warn(mix ?? $"channel {string.Join(", ", dead)} has been exactly zero for {SourceHealth.SilentAfter} s while others "
                + $"sound; is it connected? channel: N hears one alone");
    }
}
