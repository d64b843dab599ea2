using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using AstStream.Connectors.Capture;
using AstStream.Dsp;
using AstStream.Streaming.Telemetry;
using Spectre.Console;

namespace AstStream.Worker.Commands;

/// <summary>devices, record: what sound can be taken from, and what comes from it.</summary>
internal static class DeviceCommands
{
    private const int MeterWidth = 40;
    private const float MeterFloorDb = -80;

    public static IEnumerable<Command> All()
    {
        yield return Devices();
        yield return Record();
    }

    private static Command Devices()
    {
        var watch = new Option<bool>("--watch") { Description = "Opens them all and shows their levels until Ctrl-C." };
        var json = new Option<bool>("--json") { Description = "One JSON object a line." };
        var command = Help.Add(new Command("devices", "Lists the devices that sound can be taken from.") { watch, json }, $"""
            A pipeline names a device by its name, or by a part of it that only one has:
              sources: {"{"}mic: {"{"}type: microphone, device: USB{"}"}{"}"}

            Examples:
              aststream devices
              aststream devices --watch

            {ExitCode.Help}
            """);
        command.SetAction(async (result, cancellation) =>
        {
            List<AudioDevice> found = [.. await AudioDevices.ListAsync(cancellation).ConfigureAwait(false)];
            if (found.Count == 0)
            {
                Errors.Write(
                    "this machine has no sound card that anything can be recorded from; is one plugged in, and may this user use it "
                        + "(group audio)?");
                return ExitCode.InputsFailed;
            }

            if (result.GetValue(watch))
                await WatchAsync(found, cancellation).ConfigureAwait(false);
            else if (result.GetValue(json))
                WriteJson(found);
            else
                Terminal.Table(Table(found));
            return ExitCode.Ok;
        });
        return command;
    }

    private static Command Record()
    {
        var device = new Argument<string?>(
            "DEVICE")
        {
            Description = "Its name, or a part of it that only one has; the default device where not given.",
            Arity = ArgumentArity.ZeroOrOne
        };
        var output = new Option<string>("--out") { Description = "The WAV file to write.", HelpName = "F.wav", Required = true };
        var seconds = new Option<double>(
            "--seconds")
        { Description = "How much to record, 0.1 to 86400.", HelpName = "N", DefaultValueFactory = _ => 10 };
        seconds.Validators.Add(r =>
        {
            if (r.Tokens.Any(
                t => !double.TryParse(t.Value, NumberStyles.Float, CultureInfo.InvariantCulture, out var n)
                || n is not (>= 0.1 and <= 86400)))
                r.AddError("--seconds: expected a number from 0.1 to 86400");
        });
        var hostApi = new Option<string?>("--host-api") { Description = "The sound system that offers it.", HelpName = "NAME" };
        var index = new Option<int?>("--index") { Description = "Its number in aststream devices, in place of its name.", HelpName = "N" };
        var command = Help.Add(new Command("record", "Records a device to a WAV file.") { device, output, seconds, hostApi, index }, $"""
            16 bits, with the device's own rate and channels. Ctrl-C ends it earlier; what was recorded is kept.

            Examples:
              aststream record --out test.wav --seconds 5
              aststream record USB --out test.wav

            {ExitCode.Help}
            """);
        command.SetAction(async (result, cancellation) =>
        {
            var path = result.GetValue(output)!;
            var wanted = result.GetValue(seconds);
            var choice = new DeviceChoice(result.GetValue(device), result.GetValue(hostApi), result.GetValue(index));
            using var stop = new StopSignal();
            using var progress = new ProgressLine("recording", (long)(wanted * 10));
            try
            {
                var loudest = SignalMeter.FloorDb;
                var (recorded, breaks) = await DeviceListener.RecordAsync(
                    choice, path, wanted, (now, meter) =>
                    {
                        progress.Report((long)(now * 10));
                        loudest = Math.Max(loudest, meter.PeakDb);
                    },
                    stop.Token).ConfigureAwait(false);
                progress.Clear();
                Terminal.Status(string.Create(CultureInfo.InvariantCulture, $"{path}: {recorded:0.0} s, peak {loudest:0.0} dBFS"));
                if (breaks > 0)
                    Errors.Warn($"{path}: samples were missing {breaks} times");
                return recorded > 0 ? ExitCode.Ok : ExitCode.InputsFailed;
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                Errors.Write($"--out {path}: can't be written: {e.Message}");
                return ExitCode.Failed;
            }
        });
        return command;
    }

    private static Table Table(IEnumerable<AudioDevice> devices)
    {
        var table = new Table().Border(TableBorder.Simple).AddColumns("", "#", "host API", "name", "channels", "rate", "latency");
        foreach (var d in devices)
        {
            table.AddRow(
                d.IsDefault || d.IsServerDefault ? "*" : "", d.ServerSource is null ? d.Index.ToString(CultureInfo.InvariantCulture) : "",
                Terminal.Cell(d.HostApi), Terminal.Cell(d.Name),
                d.Channels.ToString(CultureInfo.InvariantCulture), string.Create(CultureInfo.InvariantCulture, $"{d.SampleRate:0} Hz"),
                string.Create(CultureInfo.InvariantCulture, $"{d.LowLatency * 1000:0} to {d.HighLatency * 1000:0} ms"));
        }

        return table.Caption("* what is taken where none is named: of all, and of a sound server", Style.Plain);
    }

    private static void WriteJson(IEnumerable<AudioDevice> devices)
    {
        foreach (var d in devices)
        {
            Terminal.Line(JsonSerializer.Serialize(new
            {
                index = d.Index,
                host_api = d.HostApi,
                name = d.Name,
                channels = d.Channels,
                sample_rate = d.SampleRate,
                low_latency = d.LowLatency,
                high_latency = d.HighLatency,
                is_default = d.IsDefault,
                server_source = d.ServerSource,
                is_monitor = d.IsMonitor,
            }));
        }
    }

    private static async Task WatchAsync(List<AudioDevice> devices, CancellationToken cancellation)
    {
        using var stop = new StopSignal(cancellation);
        var texts = devices.Select(_ => "opening").ToArray();
        var listening = devices.Select((d, i) => ListenAsync(d, t => Volatile.Write(ref texts[i], t), stop.Token)).ToList();
        if (Console.IsOutputRedirected)
        {
            while (await DelayAsync(TimeSpan.FromSeconds(1), stop.Token).ConfigureAwait(false))
            {
                for (var i = 0; i < devices.Count; i++)
                    Terminal.Line($"{devices[i]}  {texts[i]}");
            }
        }
        else
        {
            var table = new Table().Border(TableBorder.Simple).AddColumns("device", "level (rms █, peak ▒)");
            foreach (var d in devices)
                table.AddRow(Terminal.Cell(d.ToString()), "");
            await AnsiConsole.Live(table).StartAsync(async live =>
            {
                do
                {
                    for (var i = 0; i < devices.Count; i++)
                        table.UpdateCell(i, 1, Terminal.Cell(Volatile.Read(ref texts[i])));
                    live.Refresh();
                }
                while (await DelayAsync(TimeSpan.FromMilliseconds(250), stop.Token).ConfigureAwait(false));
            }).ConfigureAwait(false);
        }

        await Task.WhenAll(listening).ConfigureAwait(false);
    }

    private static async Task ListenAsync(AudioDevice device, Action<string> show, CancellationToken stop)
    {
        try
        {
            await DeviceListener.WatchAsync(ChoiceOf(device), m => show(Meter(m)), stop).ConfigureAwait(false);
        }
        catch (InvalidAudioException e)
        {
            show(Printable.Text(e.Message));
        }
    }

    /// <summary>What says that this device is meant, and no other.</summary>
    private static DeviceChoice ChoiceOf(AudioDevice device) =>
        device.ServerSource is null ? new DeviceChoice(null, null, device.Index) : new DeviceChoice(device.Name, device.HostApi, null);

    private static string Meter(SignalMeter meter)
    {
        static int Cells(float db) => (int)Math.Round(Math.Clamp((db - MeterFloorDb) / -MeterFloorDb, 0, 1) * MeterWidth);
        var rms = Cells(meter.RmsDb);
        var peak = Math.Max(rms, Cells(meter.PeakDb));
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{new string('█', rms)}{new string('▒', peak - rms)}{new string(' ', MeterWidth - peak)} {meter.RmsDb,6:0.0} "
                + $"{meter.PeakDb,6:0.0} "
                + $"dBFS{(meter.SilentSeconds > 1 ? " digital silence" : "")}"
                + $"{(meter.ClippedSamples > 0 ? $" clipped {meter.ClippedSamples}" : "")}"
                + $"{(meter.HintText is { } hint ? $"  {hint}" : "")}");
    }

    private static async Task<bool> DelayAsync(TimeSpan time, CancellationToken stop)
    {
        try
        {
            await Task.Delay(time, stop).ConfigureAwait(false);
            return true;
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }
}
