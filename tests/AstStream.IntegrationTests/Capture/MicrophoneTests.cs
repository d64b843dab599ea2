using System.Diagnostics;
using AstStream.Dsp;
using AstStream.Events;
using AstStream.LoadTest;

namespace AstStream.IntegrationTests.Capture;

/// <summary>Microphones through PortAudio, ALSA and PulseAudio, as on a machine with sound.</summary>
[Collection(nameof(PulseAudio))]
public sealed class MicrophoneTests : IDisposable
{
    private const int Rate = 48_000;
    private static readonly double[] s_tones = [220, 997, 2_500, 5_303, 7_011];

    private readonly PulseAudio _pulse = new();
    private readonly string _folder = Directory.CreateTempSubdirectory("aststream-mic-").FullName;

    public void Dispose()
    {
        _pulse.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task Microphone_KnownSignal_ComesOutExactInLengthAndCleanThroughTheResampler()
    {
        const int seconds = 5;
        var played = Tones(seconds * Rate, Rate);
        _pulse.Plug("mic");
        await using var tap = new Tap(Tap.Source($"{{type: microphone, device: mic, channels: 1, sample_rate: {Rate}}}"));
        await tap.UntilAsync(() => tap.Samples.Count > 0, "sound from the microphone");

        // PulseAudio loses the beginning of what is played where it mixes it into sound that it has made already: that is silence here.
        await _pulse.PlayAsync("mic", Wav([.. new float[Rate], .. played, .. new float[Rate]]));
        await tap.UntilAsync(
            () => tap.Samples.Count > 0 && tap.Samples.Skip(tap.Samples.Count - (Rate / 2)).All(s => s == 0), "silence after the sound");

        // 16 bits were played: the samples are those, one for one, and as many.
        var heard = tap.Samples.ToArray();
        var first = Array.FindIndex(heard, s => s != 0);
        var last = Array.FindLastIndex(heard, s => s != 0);
        Assert.Empty(tap.Lost);
        Assert.Equal(played.Length, last - first + 1);
        Assert.Equal(played.Select(s => MathF.Round(s * 32768) / 32768), heard[first..(last + 1)]);

        // Through the resampler: the same tones at 16 kHz, but for what 16 bits lose.
        var resampled = Resample(heard[first..(last + 1)]);
        var wanted = Tones(seconds * FbankOptions.SampleRate, FbankOptions.SampleRate);
        double signal = 0, noise = 0;
        for (var i = 1600; i < wanted.Length - 1600; i++)
        {
            signal += wanted[i] * wanted[i];
            noise += (wanted[i] - resampled[i]) * (wanted[i] - resampled[i]);
        }

        Assert.Equal(wanted.Length, resampled.Length);
        Assert.InRange(10 * Math.Log10(signal / noise), 60, 200);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Microphone_UnpluggedAndPluggedInAgain_ComesBackAndEverySecondIsAccountedFor(bool killServer)
    {
        _pulse.Plug("mic");
        var clock = Stopwatch.StartNew();
        await using var tap = new Tap(Tap.Source($"{{type: microphone, device: mic, channels: 1, sample_rate: {Rate}}}"));
        await tap.UntilAsync(() => tap.Samples.Count > Rate / 2, "sound from the microphone");
        for (var turn = 0; turn < 2; turn++)
        {
            if (killServer)
                _pulse.Kill();
            else
                _pulse.Unplug("mic");
            await tap.UntilAsync(() => tap.Health.State == SourceState.Away, "the microphone's being away");
            var before = tap.Samples.Count;
            if (killServer)
                _pulse.Start();
            else
                _pulse.Plug("mic");
            var back = Stopwatch.StartNew();
            await tap.UntilAsync(() => tap.Samples.Count > before, "sound after it was plugged in");
            Assert.InRange(back.Elapsed.TotalSeconds, 0, 20); // 5 s on a machine that does nothing else; a busy one must not fail it
            await tap.UntilAsync(() => tap.Samples.Count > before + Rate, "a second of sound");
        }

        // What was heard and what was lost is the time that passed.
        Assert.True(tap.Health.Reconnects >= 2);
        Assert.All(tap.Lost, l => Assert.Contains(l.Reason, (LossReason[])[LossReason.DeviceAway, LossReason.Stalled]));
        var position = tap.Position;
        Assert.Equal(position, tap.Samples.Count + tap.Lost.Sum(l => l.Length));
        Assert.Equal((TimeProvider.System.GetUtcNow() - tap.Stream!.StartTime!.Value).TotalSeconds, (double)tap.Position / Rate, 1.0);
    }

    [Fact]
    public async Task Run_OneMicrophoneIsMissing_SaysSoAndTheOthersGoOn()
    {
        _pulse.Plug("left");
        var wav = Wav(Tones(Rate, Rate));
        var pipeline = Pipeline($"sources: {{file: {{type: file, path: {wav}}}, mic: {{type: microphone, device: right}}}}");

        var result = await RunAsync("run", pipeline);

        Assert.Equal(3, result.ExitCode);
        Assert.Contains(
            "error: mic: microphone 'right': there is no such device, or another program holds it; there are", result.Error,
            StringComparison.Ordinal);
        Assert.Contains("'ALSA: left'", result.Error, StringComparison.Ordinal);
        Assert.Contains("streams           1", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Record_NoServer_SaysWhatIsThere()
    {
        _pulse.Kill();

        var devices = await RunAsync("devices");
        var record = await RunAsync("record", "--out", Path.Combine(_folder, "x.wav"));

        Assert.Equal(3, devices.ExitCode);
        Assert.Contains("no sound card", devices.Error, StringComparison.Ordinal);
        Assert.Equal(3, record.ExitCode);
        Assert.Single(record.Error.TrimEnd().Split('\n'));
        Assert.False(File.Exists(Path.Combine(_folder, "x.wav")));
    }

    [Fact]
    public async Task Record_ADevice_WritesSoMuchOfIt()
    {
        _pulse.Plug("mic");
        var file = Path.Combine(_folder, "x.wav");
        using (_pulse.Loop("mic", Wav(Tones(Rate, Rate))))
        {
            var result = await RunAsync("record", "mic", "--out", file, "--seconds", "1.5");
            Assert.Equal((0, ""), (result.ExitCode, result.Output));
        }

        using var reader = WavReader.Open(file);
        Assert.Null(reader.Truncation);
        Assert.Equal(1.5, reader.NumSamples!.Value / (double)reader.Format.SampleRate, 1e-4);
        var devices = await RunAsync("devices", "--json");
        Assert.Contains("\"host_api\":\"ALSA\",\"name\":\"mic\"", devices.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("ALSA lib", devices.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("device: mic, when_missing: wait", "2 devices match: 'ALSA: mic1', 'ALSA: mic2'")]
    [InlineData("device: mic1, channel: 40, when_missing: wait", "has 32 channels; channel 40 was asked for")]
    [InlineData("device: mic1, sample_rate: 8001, channels: 64", "has 32 channels; channel 63 was asked for")]
    [InlineData("host_api: JACK", "there is no host API 'JACK'")]
    public async Task Run_DeviceThatCantBeOpened_SaysWhy(string keys, string message)
    {
        _pulse.Plug("mic1");
        _pulse.Plug("mic2");

        var result = await RunAsync("run", Pipeline($"sources: {{mic: {{type: microphone, {keys}}}}}"));

        Assert.Equal(3, result.ExitCode);
        Assert.Contains(message, result.Error, StringComparison.Ordinal);
    }

    private static float[] Tones(int count, int rate) =>
        [.. Enumerable.Range(0, count).Select(i => (float)s_tones.Sum(f => 0.15 * Math.Cos(2 * Math.PI * f * i / rate)))];

    private static float[] Resample(float[] input)
    {
        var resampler = new Resampler(Rate, FbankOptions.SampleRate);
        var output = new List<float>();
        var part = new float[4096];
        for (var rest = input.AsSpan(); !rest.IsEmpty;)
        {
            output.AddRange(part.AsSpan(0, resampler.Process(rest, part, out var taken)));
            rest = rest[taken..];
        }

        for (int given; (given = resampler.Flush(part)) > 0;)
            output.AddRange(part.AsSpan(0, given));
        return [.. output];
    }

    private string Wav(float[] samples)
    {
        var path = Path.Combine(_folder, Guid.NewGuid() + ".wav");
        using var writer = new WavWriter(path, Rate, 1);
        writer.Write(samples);
        return path;
    }

    private string Pipeline(string sources)
    {
        var path = Path.Combine(_folder, "p.yaml");
        File.WriteAllText(path, $"{sources}\nsinks: {{out: {{type: console, format: lines}}}}\n");
        return path;
    }

    private async Task<Cli.Result> RunAsync(params string[] arguments)
    {
        using var process = Cli.Start(_pulse.Variables, arguments);
        return await Cli.FinishAsync(process);
    }
}

/// <summary>One sound server at a time.</summary>
[CollectionDefinition(nameof(PulseAudio), DisableParallelization = true)]
public sealed class PulseAudioCollection;
