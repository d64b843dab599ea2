using System.Text.Json;
using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;

namespace AstStream.Station.Web;

/// <summary>Errors as the API gives them (RFC 9457), and what routes ask for.</summary>
internal static partial class Problems
{
    /// <summary>The methods of routes that monitors look at.</summary>
    public static readonly string[] Looking = ["GET", "HEAD"];

    /// <summary>Something in the request is wrong.</summary>
    public static ProblemHttpResult Bad(string detail) => Of(StatusCodes.Status400BadRequest, detail);

    /// <summary>There is no such thing.</summary>
    public static ProblemHttpResult NotFound(string kind, string name) =>
        Of(StatusCodes.Status404NotFound, $"there is no {kind} '{name}'");

    /// <summary>There is a store, and no run.</summary>
    public static ProblemHttpResult NoPipeline() => Of(StatusCodes.Status404NotFound, "no pipeline runs here");

    /// <summary>Any error.</summary>
    public static ProblemHttpResult Of(int status, string detail) => TypedResults.Problem(detail, statusCode: status);

    /// <summary>What the framework says of a parameter that it can't read, as the API's other problems say it.</summary>
    public static string OfBinding(string message)
    {
        static string Name(Match match) => JsonNamingPolicy.SnakeCaseLower.ConvertName(match.Groups[1].Value);
        return Binding().Match(message) is { Success: true } wrong
            ? $"{Name(wrong)}: found '{wrong.Groups[2].Value}'; expected what the OpenAPI document says"
            : Missing().Match(message) is { Success: true } missing ? $"{Name(missing)}: is missing"
            : message.Contains("body", StringComparison.Ordinal) && message.Contains("inferred", StringComparison.Ordinal)
            ? "expected a body in JSON" : OurNames().Replace(message, "the body");
    }

    /// <summary>Says what right a route asks for.</summary>
    public static TBuilder Needs<TBuilder>(this TBuilder route, Right right)
        where TBuilder : IEndpointConventionBuilder => route.WithMetadata(new NeedsRight(right));

    [GeneratedRegex("^Failed to bind parameter \"\\S+ (\\w+)\" from \"(.*)\"\\.$")]
    private static partial Regex Binding();

    [GeneratedRegex("^Required parameter \"\\S+ (\\w+)\" was not provided")]
    private static partial Regex Missing();

    [GeneratedRegex("(the type )?'?AstStream\\.[\\w.+]+'?")]
    private static partial Regex OurNames();
}
