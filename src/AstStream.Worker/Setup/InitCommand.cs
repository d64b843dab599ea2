using System.CommandLine;
using AstStream.Connectors.Capture;
using AstStream.Dsp;
using AstStream.Model.Checkpoints;
using AstStream.Streaming.Pipelines;
using AstStream.Worker.Hosting;

namespace AstStream.Worker.Setup;

/// <summary>init: asks what shall be listened to and who shall be told, and writes a pipeline.</summary>
internal sealed class InitCommand
{
    private readonly PipelineHost _host;
    private readonly Option<string?> _microphone = new("--microphone")
    {
        Description = "The microphone, by its name in aststream devices, or a part of it; the default one without a name.",
        HelpName = "NAME",
        Arity = ArgumentArity.ZeroOrOne,
    };
    private readonly Option<string?> _url = Option("--url", "A camera or another stream, by its address.", "URL");
    private readonly Option<string?> _folder = Option("--folder", "A folder of recordings; what comes later is heard, too.", "DIR");
    private readonly Option<string?> _name = Option("--name", "What it is called: mic, camera or recordings by default.", "NAME");
    private readonly Option<string?> _labels = Option(
        "--labels", "The labels that are told, with ; between; all by default.", "LABEL;LABEL");
    private readonly Option<string?> _ntfy = Option("--ntfy", "A topic of ntfy.sh, or its address at another server.", "TOPIC|URL");
    private readonly Option<string?> _ntfyToken = Option("--ntfy-token", "An access token of that server.", "TOKEN");
    private readonly Option<string?> _mqtt = Option("--mqtt", "The broker of Home Assistant.", "mqtt://HOST");
    private readonly Option<string?> _mqttUser = Option("--mqtt-user", "The user at that broker.", "USER");
    private readonly Option<string?> _mqttPassword = Option("--mqtt-password", "The user's password; best as ${env:NAME}.", "PASSWORD");
    private readonly Option<string?> _out = Option("--out", "The file to write, in place of the service's.", "PIPELINE.yaml");
    private readonly Option<bool> _force = new("--force") { Description = "Replaces a pipeline that is there; it is kept as .old." };
    private readonly Option<bool> _start = new("--start") { Description = "Starts the service, now and at each start of the machine." };

    private InitCommand(WorkerSettings settings) =>
        _host = settings.Host;

    public static IEnumerable<Command> All(WorkerSettings settings)
    {
        yield return new InitCommand(settings).Make();
    }

    private Command Make()
    {
        var command = Help.Add(
            new Command("init", "Sets up a microphone, a camera or a folder, and who hears of it: asks, and writes a pipeline.")
            {
                _microphone, _url, _folder, _name, _labels, _ntfy, _ntfyToken, _mqtt, _mqttUser, _mqttPassword, _out, _force, _start,
            },
            $"""
            Without --microphone, --url or --folder it asks. As a person, the pipeline is ~/.config/aststream/pipeline.yaml, for a service
            of your own that hears what your desktop's sound server gives; as root, /etc/aststream/pipeline.yaml, for one of the machine.
            Secrets go into secrets.env beside it, which only you can read.

            Examples:
              aststream init
              sudo aststream init --microphone USB --ntfy my-house-7f3a --labels "Dog; Shatter" --start
              aststream init --url rtsp://user:password@10.0.0.5/stream1 --mqtt mqtt://homeassistant.local --out yard.yaml

            {ExitCode.Help}
            """);
        command.SetAction(RunAsync);
        return command;
    }

    private static Option<string?> Option(string name, string description, string value) => new(name)
    {
        Description = description,
        HelpName = value,
    };

    private async Task<int> RunAsync(ParseResult result, CancellationToken cancellation)
    {
        try
        {
            return await RunAsync(result, SetupPlace.Mine, cancellation).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            return ExitCode.Stopped;
        }
        catch (InvalidDataException e)
        {
            Errors.Write(e.Message);
            return ExitCode.Invalid;
        }
    }

    private async Task<int> RunAsync(ParseResult result, SetupPlace place, CancellationToken stop)
    {
        var isAsked = result.GetResult(_microphone) is null && result.GetValue(_url) is null && result.GetValue(_folder) is null;
        Option[] others = [_name, _labels, _ntfy, _ntfyToken, _mqtt, _mqttUser, _mqttPassword];
        if (isAsked && others.FirstOrDefault(o => result.GetResult(o) is not null) is { } lonely)
            throw new InvalidDataException($"{lonely.Name} stands without a source; expected --microphone, --url or --folder beside it");
        if (result.GetValue(_out) is { } file && (file.Length == 0 || Directory.Exists(file)))
            throw new InvalidDataException($"--out '{file}': expected a file, not a folder");
        var path = result.GetValue(_out) is { } given ? Path.GetFullPath(given) : place.Pipeline;
        var isService = path == place.Pipeline;
        var data = isService ? Path.Combine(place.Data, "station") : Path.Combine(Path.GetDirectoryName(path)!, "station");
        if (File.Exists(path) && !result.GetValue(_force)
            && !(isAsked && Questions.Confirm($"{path} is there. Write another one? It is kept as .old.", usual: false)))
        {
            Errors.Write($"{path} is there already; --force writes another one and keeps it as .old");
            return ExitCode.Invalid;
        }

        using var checkpoint = AstCheckpoint.Open(_host.DefaultModel);
        var answers = isAsked
            ? await new SetupQuestions(checkpoint.Config.Labels).AskAsync(place, stop).ConfigureAwait(false)
            : await ReadAsync(result, checkpoint.Config.Labels, stop).ConfigureAwait(false);
        if (isService && !place.IsMachines)
            Directory.CreateDirectory(place.Data);
        SetupWriter.Write(answers, path, data, _host);
        Terminal.Status($"{path}: written");
        bool answering;
        using (var signal = new StopSignal(stop)) // and not longer: at a question, Ctrl-C ends the program as any
            answering = await SetupWriter.TryAsync(path, _host, signal.Token).ConfigureAwait(false);
        var isWell = await StartAsync(result.GetValue(_start), isAsked, isService, place, path, stop).ConfigureAwait(false);
        return isWell && (answering || isAsked) ? ExitCode.Ok : ExitCode.Failed;
    }

    /// <summary>Starts the service where that is wanted, else says how.</summary>
    private async Task<bool> StartAsync(
        bool isWanted, bool isAsked, bool isService, SetupPlace place, string path, CancellationToken stop)
    {
        if (isService && place.HasService
            && (isWanted || (isAsked && Questions.Confirm("Start it now, and at each start of the machine?", usual: true))))
        {
            using var signal = new StopSignal(stop);
            return await SetupService.StartAsync(place, _host, signal.Token).ConfigureAwait(false);
        }

        if (isWanted)
            Errors.Write(isService ? "no service of aststream is installed here: the .deb brings one, docs/install.md has it for others"
                : "--start is for the service's own pipeline, without --out");
        var next = isService && place.HasService ? place.Command("systemctl", "enable --now aststream") : $"aststream run {path}";
        Terminal.Status($"Next: {next}");
        return !isWanted;
    }

    /// <summary>The answers that flags give.</summary>
    private async Task<SetupAnswers> ReadAsync(ParseResult result, IReadOnlyList<string> known, CancellationToken stop)
    {
        var isMicrophone = result.GetResult(_microphone) is not null;
        var (url, folder) = (result.GetValue(_url), result.GetValue(_folder));
        if ((isMicrophone ? 1 : 0) + (url is null ? 0 : 1) + (folder is null ? 0 : 1) != 1)
            throw new InvalidDataException("expected one of --microphone, --url and --folder");
        void Good(string flag, string? value, Func<string, string?> wrong)
        {
            if (value is not null && wrong(value) is { } problem)
                throw new InvalidDataException($"{flag} {value}: {problem}");
        }

        if (result.GetValue(_ntfyToken) is not null && result.GetValue(_ntfy) is null)
            throw new InvalidDataException("--ntfy-token stands without --ntfy");
        if ((result.GetValue(_mqttUser) ?? result.GetValue(_mqttPassword)) is not null && result.GetValue(_mqtt) is null)
            throw new InvalidDataException("--mqtt-user or --mqtt-password stands without --mqtt");
        Good("--url", url, SetupQuestions.WrongUrl);
        Good("--folder", folder, SetupQuestions.WrongFolder);
        var name = result.GetValue(_name) ?? (isMicrophone ? "mic" : folder is null ? "camera" : "recordings");
        Good("--name", name, SetupQuestions.WrongName);
        var labels = SetupQuestions.ReadLabels(result.GetValue(_labels) ?? "", [], known, out var problem);
        if (problem is not null)
            throw new InvalidDataException($"--labels: {problem}");
        var ntfy = result.GetValue(_ntfy) is { } topic ? NtfyAnswer.Of(topic, Secret(result, _ntfyToken)) : null;
        Good("--ntfy", ntfy?.Topic, t => SetupQuestions.IsTopic(t) ? null : "expected a topic of letters, digits, - and _, at most 64");
        var device = result.GetValue(_microphone) is { Length: > 0 } wanted
            ? await FoundAsync(wanted, stop).ConfigureAwait(false) : null;
        return new SetupAnswers
        {
            Name = name,
            Device = device?.Name,
            HostApi = device?.HostApi,
            Url = url,
            Folder = folder is null ? null : Path.GetFullPath(folder),
            Labels = labels,
            Ntfy = ntfy,
            Mqtt = result.GetValue(_mqtt) is { } broker
                ? MqttAnswer.Of(broker, result.GetValue(_mqttUser), Secret(result, _mqttPassword)) : null,
        };
    }

    private static string? Secret(ParseResult result, Option<string?> option) => result.GetValue(option) is not { } given ? null
        : Streaming.Definitions.Expansion.Expand(
            given, Environment.CurrentDirectory, problem => throw new InvalidDataException($"{option.Name}: {problem}"));

    /// <summary>The microphone that a name means, by its whole name, so that it is the same one tomorrow.</summary>
    private static async Task<AudioDevice> FoundAsync(string name, CancellationToken stop)
    {
        try
        {
            return AudioDevices.Find(name, await AudioDevices.ListAsync(stop).ConfigureAwait(false));
        }
        catch (InvalidAudioException e)
        {
            throw new InvalidDataException($"--microphone {name}: {e.Message}", e);
        }
    }
}
