using AstStream.Connectors.Programs;
using AstStream.Events;

namespace AstStream.Connectors.Capture;

/// <summary>A network stream, as ffmpeg hears it.</summary>
internal sealed class FfmpegLink(SecretUrl url, FfmpegInput input, int track) : ILiveLink
{
    public string Description => url.Shown;

    public bool CanReopen => true;

    public async Task<LiveConnection> OpenAsync(TimeSpan? patience, CancellationToken cancellation)
    {
        var child = await Ffmpeg.StartAsync(input, track).ConfigureAwait(false);
        return await ChildConnection.OpenAsync(
            child, url.Shown, PcmFraming.Wav, patience, what => WhyAsync(child, what), takesLeave: true, cancellation).ConfigureAwait(
            false);
    }

    private async Task<LinkException> WhyAsync(ChildProcess child, string what)
    {
        await child.EndedAsync().ConfigureAwait(false);
        var words = Ffmpeg.Words(child, url, track);

        // Of an RTSP server that hangs up it says "invalid data" too.
        var isGarbage = words?.Contains("no sound in it", StringComparison.Ordinal) == true
            || (words?.Contains("Invalid data", StringComparison.Ordinal) == true
                && !url.Value.StartsWith("rtsp", StringComparison.OrdinalIgnoreCase));
        return new LinkException(
            $"{url.Shown} {what}{(words is null ? "" : $"; ffmpeg said: {words}")}",
            isGarbage ? LossReason.DecodeError : LossReason.DeviceAway);
    }
}
