using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using AstStream.Model.Checkpoints;
using AstStream.Model.Onnx;
using AstStream.Model.Runtime;

namespace AstStream.Worker.Commands;

/// <summary>The flags that say how a model runs, for every command that runs one.</summary>
internal sealed class ExecutionFlags
{
    private const string Auto = "auto";

    private readonly Option<string> _providers = new(
        "--providers")
    {
        Description = "What to run on, first one first: cpu, cuda, tensorrt.",
        HelpName = "LIST",
        DefaultValueFactory = _ => "cpu"
    };
    private readonly Option<bool> _fallback = new("--fallback") { Description = "Pass over a provider that can't be had, with a warning." };
    private readonly Option<int> _device = new("--device-id") { Description = "The GPU's number.", HelpName = "N" };
    private readonly Option<int> _threads = new(
        "--threads")
    { Description = "Threads of one run on the CPU; 0 for all cores.", HelpName = "N" };
    private readonly Option<string> _parity = new(
        "--parity")
    {
        Description = "When the scores of a built-in sound are not the float32 reference's: refuse, warn, or off.",
        DefaultValueFactory = _ => "refuse"
    };
    private readonly Option<string> _precision = new(
        "--precision")
    {
        Description = "auto (float32 on a CPU, on a GPU float16 where the model bears it), float32, float16, bfloat16 (GPU) or int8 (CPU).",
        DefaultValueFactory = _ => Auto
    };
    private readonly Option<bool> _noTf32 = new("--no-tf32") { Description = "Keep all bits of float32 products on cuda." };
    private readonly Option<string> _attention = new(
        "--attention")
    { Description = "sdpa (fused) or eager (written out).", DefaultValueFactory = _ => "sdpa" };
    private readonly Option<bool> _noCudaGraph = new("--no-cuda-graph") { Description = "Run batches on cuda without CUDA graphs." };
    private readonly Option<long> _gpuMemory = new(
        "--gpu-mem-limit")
    { Description = "The most megabytes of GPU memory for the model's arena.", HelpName = "MB" };
    private readonly bool _hasGraph;

    /// <param name="hasGraph">Whether precision and attention are single values here; a benchmark has lists of its own.</param>
    public ExecutionFlags(bool hasGraph)
    {
        _hasGraph = hasGraph;
        OneOf(_parity, EnumWords.All<ParityMode>());
        OneOf(_precision, [Auto, .. EnumWords.All<ModelPrecision>()]);
        OneOf(_attention, EnumWords.All<AttentionImplementation>());
        Validate(_device, 0, 255);
        Validate(_gpuMemory, 64, 1_000_000);
        Validate(_threads, 0, AstSessionOptions.MaxThreads);
        _providers.Validators.Add(r => Check<ExecutionProvider>(r, "--providers"));
    }

    /// <summary>Another window than the checkpoint's.</summary>
    public WindowFlags Window { get; } = new();

    /// <summary>Adds the flags to a command.</summary>
    /// <param name="command">The command.</param>
    /// <param name="hasWindow">Whether another window may be asked for.</param>
    public void AddTo(Command command, bool hasWindow = true)
    {
        if (_hasGraph)
        {
            command.Add(_precision);
            command.Add(_attention);
        }

        if (hasWindow)
            Window.AddTo(command);
        foreach (var option in (Option[])[_providers, _fallback, _device, _gpuMemory, _noCudaGraph, _noTf32, _threads, _parity])
            command.Add(option);
    }

    /// <summary>The session's options.</summary>
    public AstSessionOptions Read(ParseResult result, AstConfig config) => new()
    {
        Config = Window.Read(result, config),
        Providers = List<ExecutionProvider>(result.GetValue(_providers)!),
        Fallback = result.GetValue(_fallback),
        DeviceId = result.GetValue(_device),
        GpuMemoryLimit = result.GetValue(_gpuMemory) * 1_000_000,
        CudaGraph = !result.GetValue(_noCudaGraph),
        Tf32 = !result.GetValue(_noTf32),
        Threads = result.GetValue(_threads),
        Parity = EnumWords.Parse<ParityMode>(result.GetValue(_parity)!),
        Precision = _hasGraph && result.GetValue(_precision) is { } word && word != Auto ? EnumWords.Parse<ModelPrecision>(word) : null,
        Attention = _hasGraph ? EnumWords.Parse<AttentionImplementation>(result.GetValue(_attention)!) : AttentionImplementation.Sdpa,
    };

    /// <summary>A list of words of an enumeration, with commas.</summary>
    public static IReadOnlyList<T> List<T>(string text)
        where T : struct, Enum => [.. text.Split(',').Select(w => EnumWords.Parse<T>(w.Trim()))];

    /// <summary>Refuses words that are none of an enumeration's.</summary>
    public static void Check<T>(OptionResult result, string name)
        where T : struct, Enum
    {
        foreach (var word in result.Tokens.SelectMany(t => t.Value.Split(','))
            .Select(w => w.Trim()).Where(w => !EnumWords.All<T>().Contains(w)))
            result.AddError($"{name}: found '{word}'; expected {string.Join(", ", EnumWords.All<T>())}, with commas between");
    }

    /// <summary>Refuses what is none of a few words, in one line; completion knows them.</summary>
    public static void OneOf<T>(Option<T> option, params string[] words)
    {
        option.CompletionSources.Add(words);
        option.Validators.Add(r =>
        {
            foreach (var token in r.Tokens.Where(t => !words.Contains(t.Value)))
                r.AddError($"{option.Name}: found '{token.Value}'; expected {string.Join(", ", words)}");
        });
    }

    /// <summary>Refuses what is no whole number of a range.</summary>
    public static void Validate(Option option, int min, int max) => option.Validators.Add(r =>
    {
        if (r.Tokens.Any(t => !int.TryParse(t.Value, NumberStyles.None, CultureInfo.InvariantCulture, out var n) || n < min || n > max))
            r.AddError($"{option.Name}: expected a whole number from {min} to {max}");
    });
}
