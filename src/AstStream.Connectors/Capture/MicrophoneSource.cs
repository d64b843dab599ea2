using AstStream.Dsp;
using AstStream.Streaming.Definitions;
using AstStream.Streaming.Sources;

namespace AstStream.Connectors.Capture;

/// <summary>Microphones, and whatever else the sound system offers, through PortAudio in a child process for each.</summary>
internal static class MicrophoneSource
{
    private static readonly Key<string?> Device = Keys.Text(
        "device", "The device's name, or a part of it that only one has; aststream devices lists them. The default device where "
            + "not given.");
    private static readonly Key<string?> HostApi = Keys.Text("host_api", "The sound system that offers it: ALSA, JACK…; any by default.");
    private static readonly Key<int?> Index = Keys.OptionalInteger(
        "index", "The device's number in aststream devices, where no name tells it apart. Numbers change when devices come and go.", 0,
        9999);
    private static readonly Key<int?> NumChannels = Keys.OptionalInteger("channels", "How many channels are opened; all of a device by "
        + "default, two of a sound server that makes as many as it is asked for, and at least two where one is "
        + "picked.", 1, PcmFormat.MaxChannels);
    private static readonly Key<int?> SampleRate = Keys.OptionalInteger(
        "sample_rate", "Samples a second; the device's own by default.", PcmFormat.MinSampleRate, PcmFormat.MaxSampleRate);
    private static readonly Key<TimeSpan?> Latency = Keys.Duration(
        "latency", "How much sound the device may hold back: less wakes the machine more often; 300ms by default.",
        TimeSpan.FromMilliseconds(10), TimeSpan.FromSeconds(2));

    /// <summary>The type as pipelines name it.</summary>
    public static readonly SourceType Type = new(
        "microphone", "Hears a microphone.",
            [Device, HostApi, Index, NumChannels, SampleRate, Latency, .. LiveOptions.ReopenKeys], Read);

    private static Settings Read(SectionReader section)
    {
        if (section.Has(Index) && section.Has(Device))
            section.Problem(Index, "stands beside 'device'; expected one of them");
        var channel = section.Get(SourceKeys.Channel);
        if (channel >= (section.Get(NumChannels) ?? PcmFormat.MaxChannels))
            section.Problem(
                SourceKeys.Channel,
                $"channel {channel} was asked for, but {section.Get(NumChannels) ?? PcmFormat.MaxChannels} are opened, numbered from 0");
        var latency = section.Get(Latency) ?? TimeSpan.FromMilliseconds(300);
        if (section.Get(LiveOptions.StallTimeout) < 4 * latency)
            section.Problem(
                LiveOptions.StallTimeout,
                $"is too short for a latency of {latency.TotalMilliseconds} ms, which comes at once; expected at least four times that");
        var options = new LiveOptions
        {
            StalledAfter = TimeSpan.FromMilliseconds(500) + (2 * latency),
            Timeout = TimeSpan.FromSeconds(3) + latency,
            MinDelay = TimeSpan.FromMilliseconds(250),
            MaxDelay = TimeSpan.FromSeconds(2),
            Settle = TimeSpan.FromMilliseconds(400),
            Tolerance = TimeSpan.FromMilliseconds(100),
        }.With(section);
        var choice = new DeviceChoice(section.Get(Device), section.Get(HostApi), section.Get(Index));
        return new Settings(
            new CaptureArguments(choice, section.Get(NumChannels), (channel ?? 0) + 1, section.Get(SampleRate), latency), options);
    }

    private sealed record Settings(CaptureArguments Arguments, LiveOptions Options) : SourceSettings
    {
        public override IAudioSource Build(PipelineDefinition pipeline) => new LiveSource(new MicrophoneLink(Arguments), Options);
    }
}
