using System.Security.Cryptography;
using System.Text.RegularExpressions;
using AstStream.Connectors.Capture;
using AstStream.Dsp;
using AstStream.Station.Web;
using AstStream.Streaming.Definitions;
using AstStream.Streaming.Pipelines;

namespace AstStream.Worker.Setup;

/// <summary>The conversation of aststream init.</summary>
/// <param name="labels">The labels of the model.</param>
internal sealed partial class SetupQuestions(IReadOnlyList<string> labels)
{
    // What people put up a microphone for; those that the model has are offered.
    private static readonly string[] s_wanted =
    [
        "Smoke detector, smoke alarm", "Shatter", "Baby cry, infant cry", "Dog", "Cat", "Doorbell", "Knock", "Screaming", "Siren", "Alarm",
        "Water", "Vehicle", "Bird", "Speech",
    ];

    /// <summary>Asks for everything.</summary>
    /// <param name="place">Where it is to go.</param>
    /// <param name="stop">Ends it.</param>
    public async Task<SetupAnswers> AskAsync(SetupPlace place, CancellationToken stop)
    {
        var source = await AskSourceAsync(stop).ConfigureAwait(false);
        var name = Questions.Text("What is it called?", source.Name, WrongName);
        var wanted = AskLabels();
        var ntfy = AskNtfy();
        var mqtt = AskMqtt();
        var page = place.IsMachines && Questions.Confirm("May other machines open the page? It asks for a password then.", usual: false)
            ? AskPassword() : null;
        return source with { Name = name, Labels = wanted, Ntfy = ntfy, Mqtt = mqtt, Page = page };
    }

    /// <summary>What is wrong with a name; null where nothing is.</summary>
    public static string? WrongName(string name) =>
        Pipeline.IsName(name) && name != SetupText.Broker ? null
            : $"expected letters, digits, '-' and '_', and not a word of the pipeline's own such as model or {SetupText.Broker}";

    /// <summary>Reads labels, with ; between them.</summary>
    /// <param name="text">What was typed: labels, or numbers of what was offered.</param>
    /// <param name="offered">What was offered.</param>
    /// <param name="labels">The labels of the model.</param>
    /// <param name="problem">What is wrong; null where nothing is.</param>
    public static IReadOnlyList<string> ReadLabels(
        string text, IReadOnlyList<string> offered, IReadOnlyList<string> labels, out string? problem)
    {
        var found = new List<string>();
        problem = null;
        foreach (var part in text.Split(';', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            if (int.TryParse(part, out var number) && number >= 1 && number <= offered.Count)
                found.Add(offered[number - 1]);
            else if (labels.FirstOrDefault(l => l.Equals(part, StringComparison.OrdinalIgnoreCase)) is { } label)
                found.Add(label);
            else
                problem ??= $"the model has no label '{part}'{Nearest.Hint(part, [.. labels])}";
        }

        return [.. found.Distinct()];
    }

    private static async Task<SetupAnswers> AskSourceAsync(CancellationToken stop)
    {
        while (true)
        {
            List<AudioDevice> devices = [];
            try
            {
                devices = [.. await AudioDevices.ListAsync(stop).ConfigureAwait(false)];
            }
            catch (InvalidAudioException e)
            {
                Errors.Note(e.Message);
            }

            // Where a sound server runs, its own names are what people know.
            if (devices.Any(d => d.ServerSource is not null))
                devices = [.. devices.Where(d => d.ServerSource is not null)];
            if (devices.Count == 0)
                Terminal.Status("No microphone was found; aststream doctor says why.");
            Terminal.Status("What shall be listened to?");
            var choice = Questions.Choose(
                "Number",
                [.. devices.Select(d => d.Name + (d.IsMonitor ? " (what this machine plays)" : "")),
                    "a camera or another stream, by its address", "a folder of recordings"],
                Math.Max(0, devices.FindIndex(d => d.IsDefault || d.IsServerDefault)));
            if (choice == devices.Count + 1)
                return new SetupAnswers
                {
                    Name = "recordings",
                    Folder = Path.GetFullPath(Questions.Text("The folder", wrong: WrongFolder)),
                };
            var device = choice < devices.Count ? devices[choice] : null;
            var url = device is null ? Questions.Text("Its address, such as rtsp://user:password@10.0.0.5/stream1", wrong: WrongUrl) : null;
            if (await TryAsync(device, url, stop).ConfigureAwait(false))
                return new SetupAnswers
                {
                    Name = device is null ? "camera" : "mic",
                    Device = device?.Name,
                    HostApi = device?.HostApi,
                    Url = url,
                };
        }
    }

    /// <summary>What is wrong with a folder; null where nothing is.</summary>
    public static string? WrongFolder(string folder) => Directory.Exists(folder) ? null : "there is no such folder";

    /// <summary>What is wrong with an address; null where nothing is.</summary>
    public static string? WrongUrl(string url) =>
        url.Contains("://", StringComparison.Ordinal) && Uri.TryCreate(url, UriKind.Absolute, out var address) && address.Host.Length > 0
            && !url.Any(char.IsControl) ? null
            : "expected an address such as rtsp://10.0.0.5/stream1 or https://example.org/live.m3u8";

    /// <summary>Five seconds of it, and whether the person takes it.</summary>
    private static async Task<bool> TryAsync(AudioDevice? device, string? url, CancellationToken stop)
    {
        var isHeard = false;
        var folder = Directory.CreateTempSubdirectory("aststream-init-").FullName;
        try
        {
            var path = Path.Combine(folder, "trial.wav");
            using var signal = new StopSignal(stop);
            Terminal.Status("Five seconds are recorded, and played back: say something.");
            var choice = device is null ? null : new DeviceChoice(device.Name, device.HostApi, null);
            isHeard = await SoundTrial.RecordAsync(choice, url, path, signal.Token).ConfigureAwait(false);
            signal.Token.ThrowIfCancellationRequested();
            if (isHeard && !await SoundTrial.PlayAsync(path, signal.Token).ConfigureAwait(false))
                Errors.Note("it can't be played back: none of pw-play, paplay, aplay and ffplay works here");
        }
        finally
        {
            Directory.Delete(folder, recursive: true); // it may hold what people said: nobody is asked anything while it is there
        }

        return isHeard ? Questions.Confirm("Take this one?", usual: true)
            : Questions.Confirm("Take it all the same? It is waited for then.", usual: false);
    }

    private IReadOnlyList<string> AskLabels()
    {
        List<string> offered = [.. s_wanted.Where(labels.Contains)];
        Terminal.Status("Of which sounds do you want to be told? The page shows all of them anyway.");
        foreach (var (i, label) in offered.Index())
            Terminal.Status($"  {i + 1,2}  {label}");
        var answer = Questions.Text(
            $"Numbers, or any of the model's {labels.Count} labels, with ; between", offered.Count >= 3 ? "1; 2; 3" : "",
            a =>
            {
                ReadLabels(a, offered, labels, out var problem);
                return problem;
            });
        return ReadLabels(answer, offered, labels, out _);
    }

    private static NtfyAnswer? AskNtfy()
    {
        var topic = Questions.Text(
            "On a phone, by ntfy: a topic that nobody guesses, or its address at your own server (empty: none)", "",
            t => t.Length == 0 || IsTopic(NtfyAnswer.Of(t, null).Topic) ? null : "expected letters, digits, - and _, at most 64");
        if (topic.Length == 0)
            return null;
        return NtfyAnswer.Of(topic, Questions.Text("An access token, where that server asks for one (empty: none)", "") is { Length: > 0 } t
            ? t : null);
    }

    /// <summary>Whether ntfy takes a topic.</summary>
    public static bool IsTopic(string topic) => Topic().IsMatch(topic);

    private static MqttAnswer? AskMqtt()
    {
        var broker = Questions.Text("In Home Assistant, by MQTT: the broker, such as mqtt://homeassistant.local (empty: none)", "");
        if (broker.Length == 0)
            return null;
        var user = Questions.Text("Its user (empty: none)", "");
        var password = user.Length == 0 ? null : Console.IsInputRedirected ? Questions.Text("Password") : Terminal.Secret("Password: ");
        return MqttAnswer.Of(broker, user.Length == 0 ? null : user, password);
    }

    private static PageAnswer AskPassword()
    {
        while (true)
        {
            var password = Console.IsInputRedirected ? Questions.Text("Password") : Terminal.Secret("Password: ");
            if (password.Length >= Password.Least)
                return new PageAnswer(Password.Hash(password), RandomNumberGenerator.GetHexString(32, lowercase: true));
            Terminal.Status($"  expected at least {Password.Least} characters");
        }
    }

    [GeneratedRegex(@"^[A-Za-z0-9_-]{1,64}$")]
    private static partial Regex Topic();
}
